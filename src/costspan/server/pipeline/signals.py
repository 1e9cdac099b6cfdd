"""A request body of each OTLP signal becomes a batch of records; what cannot be read is counted with its reason."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from costspan.core.call import Call
from costspan.core.record import LogRecord, SpanRecord
from costspan.core.tool import ToolUse
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.dialects.detection import Dialects
from costspan.semconv.events import read_event
from costspan.semconv.normalize import read_call, read_link, span_markers
from costspan.semconv.tools import read_tool_use
from costspan.server.pipeline import decode_json, decode_protobuf
from costspan.server.pipeline.decode_logs import LOG_DECODERS
from costspan.server.pipeline.decode_metrics import METRIC_DECODERS
from costspan.server.store.entry import Batch

Record = TypeVar("Record")
Claim = TypeVar("Claim")

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
CONTENT_TYPES: Final = (PROTOBUF, JSON)

HINTS: Final = (b"oken", b"llm", b"odel")
"""A span with one of these that nobody reads yet may be a call in words still to be learnt: it is read in full."""

_log = logging.getLogger("costspan.pipeline")


@dataclass(frozen=True, slots=True)
class Received:
    """A request as records: how many items it held, what of it may be calls, and what was refused, by reason.

    `records` are those that were read in full.
    """

    items: int
    batch: Batch
    refused: Counter[str]
    records: Sequence[SpanRecord | LogRecord] = ()


class Reader(Protocol):
    """Reads the requests of one signal."""

    def __call__(self, body: bytes, content_type: str, _: Dialects = ..., /) -> Received:
        """Return the request as records. Raise UnreadableBody when it is none of this signal."""


def traces(body: bytes, content_type: str, dialects: Dialects = DIALECTS) -> Received:
    """Read a trace request in `dialects`. Raise UnreadableBody when it is none."""
    decoder = decode_json if content_type == JSON else decode_protobuf
    decoded = decoder.decode_traces(body, span_markers(dialects) + HINTS)
    calls, links, tools = [], list(decoded.links), []

    def read_span(record: SpanRecord) -> tuple[Call | None, ToolUse | None]:
        return read_call(record, dialects), read_tool_use(record)

    for record, (call, tool) in _read(decoded.records, read_span, decoded.refused):
        if call is None:
            links.append(read_link(record))
        else:
            calls.append(call)
        if tool is not None:
            tools.append(tool)
    return Received(decoded.received_spans, Batch(calls, links, tools=tools), decoded.refused, decoded.records)


def logs(body: bytes, content_type: str, _: Dialects = DIALECTS) -> Received:
    """Read a log request. Raise UnreadableBody when it is none."""
    decoded = LOG_DECODERS[content_type](body)
    calls = [call for _, call in _read(decoded.records, read_event, decoded.refused) if call is not None]
    return Received(decoded.received_records, Batch(calls), decoded.refused, decoded.records)


def metrics(body: bytes, content_type: str, _: Dialects = DIALECTS) -> Received:
    """Read a metric request. Raise UnreadableBody when it is none."""
    decoded = METRIC_DECODERS[content_type](body)
    return Received(decoded.received_points, Batch(points=decoded.points), decoded.refused)


SIGNALS: Final[dict[str, Reader]] = {"traces": traces, "logs": logs, "metrics": metrics}
"""Signal, as in the path `/v1/<signal>`, -> its reader."""


def _read(
    records: Iterable[Record], read: Callable[[Record], Claim], refused: Counter[str]
) -> list[tuple[Record, Claim]]:
    """Read each record; one that nobody foresaw is refused alone and counted, and its content is not logged."""
    read_records = []
    for record in records:
        try:
            read_records.append((record, read(record)))
        except Exception:  # noqa: BLE001 - one record never takes its neighbours with it
            _log.exception("a %s could not be read", type(record).__name__)
            refused["could not be read"] += 1
    return read_records
