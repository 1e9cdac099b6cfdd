"""An exporter for each process: a forked child that wrote into its parent's connection would mix their requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

T = TypeVar("T")


class PerProcess(Generic[T]):
    """What `make` returns, which is called again in every child that is forked."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made = make()
        self._process = os.getpid()

    def own(self) -> T:
        """Return the one of this process."""
        if self._process != os.getpid():
            self._made, self._process = self._make(), os.getpid()
        return self._made


class OwnExporter(SpanExporter):
    """Delegates to what `make` returns in this process."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._exporter = PerProcess(make)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.own().export(spans)

    def shutdown(self) -> None:
        self._exporter.own().shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.own().force_flush(timeout_millis)
