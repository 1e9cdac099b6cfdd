"""An exporter for each process: a forked child that wrote into its parent's connection would mix their requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class OwnExporter(SpanExporter):
    """Delegates to what `make` returns, which is called again in every child that is forked."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._make = make
        self._exporter = make()
        self._process = os.getpid()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._own().export(spans)

    def shutdown(self) -> None:
        self._own().shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._own().force_flush(timeout_millis)

    def _own(self) -> SpanExporter:
        if self._process != os.getpid():
            self._exporter, self._process = self._make(), os.getpid()
        return self._exporter
