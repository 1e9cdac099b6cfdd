"""Where imported pieces go: through the same door as everything, in bounded requests, a few of them under way."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from costspan.cli.importers.base import Found, Piece, Problem, Skipped
from costspan.cli.importers.otlp_json import HOLDERS
from costspan.cli.send import OtlpSender
from costspan.core.errors import PermanentError

if TYPE_CHECKING:
    from costspan.server.pipeline.committer import New

BATCH_ITEMS: Final = 512
UNDER_WAY: Final = 8
"""Requests that wait for their commit together, so that a commit serves many; what bounds the memory held."""
_JSON: Final = "application/json"

Give = Callable[[bytes, str], "Future[None]"]
"""Hands over one request of a signal; the future is done when it is durable or refused."""


class Tally(Protocol):
    """What the sink counts in; `import_.Result` is one."""

    place: str
    items: Any
    calls: int | None
    duplicates: int | None
    skipped: Any
    refused: Any

    def tell(self, problem: Problem) -> None: ...


class Sink:
    """Takes what importers find; collects pieces to requests. Leave `opened_sink` to hand over what is held."""

    def __init__(self, give: Give, tally: Tally) -> None:
        self._give = give
        self._tally = tally
        self._held: list[Piece] = []
        self._items = 0
        self._under_way: deque[tuple[list[Piece], Future[None]]] = deque()

    def take(self, found: Found) -> None:
        """Take one piece, or count what is none."""
        if isinstance(found, Problem):
            self._tally.tell(found)
        elif isinstance(found, Skipped):
            self._tally.skipped[found.what] += 1
        else:
            if self._held and (self._items + len(found.items) > BATCH_ITEMS or found.signal != self._held[0].signal):
                self._send()
            self._held.append(found)
            self._items += len(found.items)

    def finish(self) -> None:
        """Hand over what is held and wait until all is durable."""
        if self._held:
            self._send()
        self._wait_for(0)

    def _send(self) -> None:
        pieces, self._held, self._items = self._held, [], 0
        # What a series of metrics adds depends on the points before it, so these go one after the other.
        self._wait_for(0 if pieces[0].signal == "metrics" else UNDER_WAY - 1)
        self._under_way.append((pieces, self._give(request_of(pieces), pieces[0].signal)))

    def _wait_for(self, most: int) -> None:
        while len(self._under_way) > most:
            self._settle(*self._under_way.popleft())

    def _settle(self, pieces: list[Piece], given: Future[None]) -> None:
        try:
            given.result()
            self._tally.items[pieces[0].signal] += sum(len(piece.items) for piece in pieces)
        except PermanentError as error:
            if len(pieces) == 1:
                self._tally.tell(Problem(pieces[0].place, str(error)))
                return
            # One unreadable piece spoils a request, so each is tried alone and the guilty line is named.
            for piece in pieces:
                self._settle([piece], self._give(request_of([piece]), piece.signal))


def request_of(pieces: Sequence[Piece]) -> bytes:
    """Return pieces of one signal as an export request; neighbours of one resource and scope share their place."""
    resources_key, scopes_key, items_key = HOLDERS[pieces[0].signal]
    resources: list[dict[str, Any]] = []
    last: Piece | None = None
    for piece in pieces:
        if last is None or piece.resource is not last.resource:
            resources.append({**piece.resource, scopes_key: []})
        if last is None or piece.resource is not last.resource or piece.scope is not last.scope:
            resources[-1][scopes_key].append({**piece.scope, items_key: []})
        resources[-1][scopes_key][-1][items_key].extend(piece.items)
        last = piece
    return json.dumps({resources_key: resources}, separators=(",", ":")).encode()


@contextmanager
def opened_sink(url: str | None, folder: Path, tally: Tally) -> Iterator[Sink]:
    """Open the server at `url`, or the ledger in `folder` where there is none; all is durable when it is left."""
    with _into_server(url, tally) if url else _into_folder(folder, tally) as give:
        sink = Sink(give, tally)
        yield sink
        sink.finish()


@contextmanager
def _into_server(url: str, tally: Tally) -> Iterator[Give]:
    tally.place = url
    with OtlpSender(url, connections=UNDER_WAY) as sender, ThreadPoolExecutor(UNDER_WAY // 2) as workers:
        yield lambda body, signal: workers.submit(sender.post, body, _JSON, signal)
    if sender.rejected_spans:
        tally.refused["rejected by the server"] += sender.rejected_spans


@contextmanager
def _into_folder(folder: Path, tally: Tally) -> Iterator[Give]:
    from costspan.server.assembly import open_pipeline

    tally.place, tally.calls, tally.duplicates = str(folder), 0, 0
    config = os.environ.get("COSTSPAN_CONFIG")
    with open_pipeline(folder, Path(config) if config else None) as pipeline:

        def give(body: bytes, signal: str) -> Future[None]:
            done: Future[None] = Future()
            try:
                pending = pipeline.start(body, _JSON, signal)
            except PermanentError as error:
                done.set_exception(error)
                return done

            def finish(committed: Future[New]) -> None:
                if (failure := committed.exception()) is not None:
                    done.set_exception(failure)
                    return
                taken = pipeline.finish(pending, committed.result())
                tally.calls = (tally.calls or 0) + taken.calls
                tally.duplicates = (tally.duplicates or 0) + taken.retransmitted
                tally.refused.update(taken.refused)
                done.set_result(None)

            pending.committed.add_done_callback(finish)
            return done

        yield give
