"""Writes spans into the inbox of a data folder, for when no server is there to receive them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from costspan.sdk.otlp_json import export_request_line
from costspan.sdk.safety import log_once


class RecordingExporter(SpanExporter):
    """One file a process, one line a batch; each line is complete in the file before the export is answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started_ns = time.time_ns()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        line = export_request_line(spans)
        # The process id is read here and not at the start: a forked worker must not write into its parent's file.
        path = self._folder / f"run-{self._started_ns}-{os.getpid()}.jsonl"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            log_once(f"costspan: cannot record spans in {self._folder}: {error.strerror}")
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - nothing is held back
        return True
