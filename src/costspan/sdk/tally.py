"""One line per model call, for the table that `costspan run` prints at the end. Written only under `costspan run`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from costspan.sdk.price_span import PricedSpan, SpanPricer


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
