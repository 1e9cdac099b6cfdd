"""What a decoder makes of one request: records to read, and a count of everything else, each with a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from costspan.core.errors import MalformedRecord, PermanentError
from costspan.core.link import Link
from costspan.core.record import SpanRecord

MAX_NS: Final = 2**63 - 1
"""The year 2262: what a signed 64-bit count of nanoseconds holds, and so what the ledger's timestamps hold."""


class UnreadableBody(PermanentError):
    """The request as a whole cannot be parsed: nothing in it was taken (HTTP 400)."""


@dataclass(slots=True)
class Decoded:
    """Records that look like model calls, and links of the other spans; `refused` counts spans by reason."""

    records: list[SpanRecord] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    other_spans: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def received_spans(self) -> int:
        """Every span of the request."""
        return len(self.records) + self.other_spans + self.refused.total()


def checked(record: SpanRecord) -> SpanRecord:
    """Return the record, or raise MalformedRecord naming what the OTLP specification does not allow in it."""
    if len(record.trace_id) != 32 or record.trace_id == "0" * 32:
        raise MalformedRecord("trace_id is not 16 non-zero bytes")
    if len(record.span_id) != 16 or record.span_id == "0" * 16:
        raise MalformedRecord("span_id is not 8 non-zero bytes")
    if record.parent_span_id is not None and len(record.parent_span_id) != 16:
        raise MalformedRecord("parent_span_id is not 8 bytes")
    if not 0 < record.start_ns <= MAX_NS or not 0 <= record.end_ns <= MAX_NS:
        raise MalformedRecord("start or end time is missing or out of range")
    return record
