"""The same for metrics, apart from spans because many programs export none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from costspan.sdk.own_exporter import PerProcess


class OwnMetricExporter(MetricExporter):
    """Delegates to what `make` returns in this process, and asks for what that asks for."""

    def __init__(self, make: Callable[[], MetricExporter]) -> None:
        self._exporter = PerProcess(make)
        made = self._exporter.own()
        super().__init__(made._preferred_temporality, made._preferred_aggregation)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        return self._exporter.own().export(metrics_data, timeout_millis, **kwargs)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._exporter.own().shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.own().force_flush(timeout_millis)
