"""`costspan` among the instrumentations that `opentelemetry-instrument` loads.

It works where `OTEL_TRACES_EXPORTER` names costspan: spans then leave through `OtlpCostExporter`, the clients are
instrumented by their own entry points, and this adds what `configure` would: attribution, metrics, completed clients.
"""

from __future__ import annotations

import os
from typing import Any

from costspan.sdk.configure import configure


class CostInstrumentor:
    """What `opentelemetry-instrument` takes for an instrumentation (opentelemetry.instrumentation.instrumentor)."""

    def instrument(self, **_options: Any) -> None:
        """Join the tracer provider that has been set up; nothing where costspan is not asked for."""
        if "costspan" in os.environ.get("OTEL_TRACES_EXPORTER", "").replace(" ", "").split(","):
            configure(instrument=False)

    def uninstrument(self, **_options: Any) -> None:
        """Do nothing: what is added lives as long as the tracer provider it was added to."""
