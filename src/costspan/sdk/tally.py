"""What `costspan run` says at the end: a line per model call for its table, and a mark per batch that nobody took."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from costspan.sdk.price_span import PricedSpan, SpanPricer
from costspan.sdk.safety import never_raise


class TallyWriter(SpanProcessor):
    """Appends as each call ends, so that a program that is killed has still said what it spent."""

    def __init__(self, folder: Path, pricer: SpanPricer) -> None:
        self._folder = folder
        self._pricer = pricer

    def on_end(self, span: ReadableSpan) -> None:
        verdict = self._pricer.verdict(span)
        if isinstance(verdict, PricedSpan):
            with (self._folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(_line(verdict)) + "\n")


class TalliedExporter(SpanExporter):
    """Delegates to `exporter`. While a batch is under way, a file says how many spans it has, whatever ends this."""

    def __init__(self, exporter: SpanExporter, folder: Path) -> None:
        self._exporter = exporter
        self._folder = folder

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        mark = self._folder / f"{uuid4().hex}.waiting"
        _mark(mark, len(spans))
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            _taken(mark)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


@never_raise(None)
def _mark(mark: Path, spans: int) -> None:
    mark.write_text(str(spans), encoding="utf-8")


@never_raise(None)
def _taken(mark: Path) -> None:
    mark.unlink(missing_ok=True)


def _line(verdict: PricedSpan) -> dict[str, Any]:
    call, priced = verdict.call, verdict.priced
    return {
        "model": priced.model or next(iter(call.models), "unknown"),
        "response_id": call.response_id,
        "failed": call.failed,
        "input_tokens": call.usage.input_tokens,
        "cache_tokens": call.usage.cache_read_tokens + call.usage.cache_write_tokens,
        "output_tokens": call.usage.output_tokens,
        "cost_pico_usd": priced.cost,
        "price_status": priced.status.value,
    }
