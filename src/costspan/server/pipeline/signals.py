"""A request body of each OTLP signal becomes a batch of records; what cannot be read is counted with its reason."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from costspan.core.call import Call
from costspan.semconv.events import read_event
from costspan.semconv.normalize import read_call, read_link
from costspan.server.pipeline import decode_json, decode_protobuf
from costspan.server.pipeline.decode_logs import LOG_DECODERS
from costspan.server.pipeline.decode_metrics import METRIC_DECODERS
from costspan.server.store.entry import Batch

Record = TypeVar("Record")

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
CONTENT_TYPES: Final = (PROTOBUF, JSON)

_log = logging.getLogger("costspan.pipeline")


@dataclass(frozen=True, slots=True)
class Received:
    """A request as records: how many items it held, what of it may be calls, and what was refused, by reason."""

    items: int
    batch: Batch
    refused: Counter[str]


def traces(body: bytes, content_type: str) -> Received:
    """Read a trace request. Raise UnreadableBody when it is none."""
    decoded = (decode_json if content_type == JSON else decode_protobuf).decode_traces(body)
    calls, links = [], list(decoded.links)
    for record, call in _read(decoded.records, read_call, decoded.refused):
        if call is None:
            links.append(read_link(record))
        else:
            calls.append(call)
    return Received(decoded.received_spans, Batch(calls, links), decoded.refused)


def logs(body: bytes, content_type: str) -> Received:
    """Read a log request. Raise UnreadableBody when it is none."""
    decoded = LOG_DECODERS[content_type](body)
    calls = [call for _, call in _read(decoded.records, read_event, decoded.refused) if call is not None]
    return Received(decoded.received_records, Batch(calls), decoded.refused)


def metrics(body: bytes, content_type: str) -> Received:
    """Read a metric request. Raise UnreadableBody when it is none."""
    decoded = METRIC_DECODERS[content_type](body)
    return Received(decoded.received_points, Batch(points=decoded.points), decoded.refused)


SIGNALS: Final[dict[str, Callable[[bytes, str], Received]]] = {"traces": traces, "logs": logs, "metrics": metrics}
"""Signal, as in the path `/v1/<signal>`, -> its reader."""


def _read(
    records: Iterable[Record], read: Callable[[Record], Call | None], refused: Counter[str]
) -> list[tuple[Record, Call | None]]:
    """Read each record; one that nobody foresaw is refused alone and counted, and its content is not logged."""
    read_records = []
    for record in records:
        try:
            read_records.append((record, read(record)))
        except Exception:  # noqa: BLE001 - one record never takes its neighbours with it
            _log.exception("a %s could not be read", type(record).__name__)
            refused["could not be read"] += 1
    return read_records
