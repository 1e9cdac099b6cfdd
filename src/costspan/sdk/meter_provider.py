"""Metrics of an application that has none: a meter provider that exports as OpenTelemetry's variables ask for it.

Without one the official instrumentations count tokens and durations for nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import metrics
from opentelemetry.sdk.resources import Resource

from costspan.sdk.config import Config
from costspan.sdk.exporters import chosen_metric_exporters
from costspan.sdk.safety import never_raise

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider


@never_raise(None)
def set_up_metrics(config: Config, resource: Resource) -> MeterProvider | None:
    """Install and return a meter provider, or None where the application has one or nothing is to be exported."""
    if type(metrics.get_meter_provider()).__name__ != "_ProxyMeterProvider":
        return None
    exporters = chosen_metric_exporters(config)
    if not exporters:
        return None
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - the half of the SDK that many do not use
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

    # Left to itself the provider waits at exit for as long as its exporters retry.
    readers = [PeriodicExportingMetricReader(exporter) for exporter in exporters]
    provider = MeterProvider(readers, resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider
