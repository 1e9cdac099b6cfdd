"""The walk of one request: decode, normalize, settle, price, commit. Threads call it; nothing here is async."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from costspan.core.call import Call
from costspan.core.tool import ToolUse
from costspan.semconv.normalize import read_call, read_link
from costspan.semconv.tools import read_tool_use
from costspan.server.pipeline import decode_json, decode_protobuf
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.decoded import Decoded
from costspan.server.store.entry import Batch

_log = logging.getLogger("costspan.pipeline")

DECODERS: dict[str, Callable[[bytes], Decoded]] = {
    "application/x-protobuf": decode_protobuf.decode_traces,
    "application/json": decode_json.decode_traces,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one request, once it is durable."""

    calls: int
    retransmitted: int
    refused: Mapping[str, int]

    @property
    def refused_spans(self) -> int:
        """Spans that will never be taken."""
        return sum(self.refused.values())


@dataclass(frozen=True, slots=True)
class Pending:
    """A request on its way into the ledger."""

    decoded: Decoded
    calls: int
    committed: Future[Sequence[bool]]


class Pipeline:
    """Turns bodies into durable entries."""

    def __init__(self, committer: Committer, counters: IngestCounters) -> None:
        self._committer = committer
        self.counters = counters

    @property
    def is_full(self) -> bool:
        """True when the next request would be told to come back."""
        return self._committer.is_full

    def start(self, body: bytes, content_type: str) -> Pending:
        """Decode and normalize a trace request and queue it for the commit.

        Raise UnreadableBody when the body is no trace request, RetryableError when too many requests wait.
        """
        decoded = DECODERS[content_type](body)
        batch = _normalized(decoded)
        return Pending(decoded, len(batch.calls), self._committer.submit(batch))

    def finish(self, pending: Pending, new: Sequence[bool]) -> Taken:
        """Count a committed request and return what became of it."""
        fresh = sum(new)
        taken = Taken(calls=fresh, retransmitted=pending.calls - fresh, refused=dict(pending.decoded.refused))
        self.counters.count_committed(
            received=pending.decoded.received_spans,
            calls=taken.calls,
            retransmitted=taken.retransmitted,
            refused=taken.refused,
        )
        return taken

    def take(self, body: bytes, content_type: str) -> Taken:
        """Take one request and wait until it is durable. Raise as `start` does, and StoreUnavailable."""
        pending = self.start(body, content_type)
        return self.finish(pending, pending.committed.result())

    def close(self) -> None:
        """Commit what waits and stop."""
        self._committer.close()


def _normalized(decoded: Decoded) -> Batch:
    calls: list[Call] = []
    links = list(decoded.links)
    tools: list[ToolUse] = []
    for record in decoded.records:
        try:
            call, tool = read_call(record), read_tool_use(record)
        except Exception:  # noqa: BLE001 - one span never takes its neighbours with it
            # A span nobody foresaw is refused alone and counted; the ids lead to it without its content.
            _log.exception("span %s/%s could not be read", record.trace_id, record.span_id)
            decoded.refused["span could not be read"] += 1
            continue
        if call is None:
            links.append(read_link(record))
        else:
            calls.append(call)
        if tool is not None:
            tools.append(tool)
    return Batch(calls, links, tools=tools)
