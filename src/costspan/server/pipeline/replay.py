"""Reading again what was received, after a dialect was corrected or a mapping added.

What is read otherwise than before is settled anew by the rules that telemetry is settled by: what stood is taken back,
what holds now is entered, nothing is updated. What is read as before is not touched, so doing it twice does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from costspan.core.call import Call, Role
from costspan.core.clock import utc_from_ns
from costspan.core.errors import RetryableError
from costspan.core.link import Link
from costspan.core.period import Period
from costspan.core.record import LogRecord, SpanRecord
from costspan.core.tool import ToolUse
from costspan.semconv.dialects.detection import Dialects
from costspan.semconv.events import read_event
from costspan.semconv.events.base import event_key
from costspan.semconv.normalize import read_call, read_link
from costspan.semconv.settlement.rules import SettlingRules
from costspan.semconv.tools import read_tool_use
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.keeping import kept_record
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.settlement import settled_anew
from costspan.server.pipeline.tenant import owned
from costspan.server.store.entry import Batch, KeptRecord, Posting
from costspan.server.store.replay import Difference, ReplayLedger

CHUNK: Final = 4_000
"""Records that are read and settled together; telemetry waits while what differs among them is committed."""
ALL_TIME: Final = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Reading:
    """How records are read now, by identity; a record may be a call or a link, and a tool use beside."""

    calls: dict[str, Call]
    links: dict[str, Link]
    tools: dict[str, ToolUse]


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """What `costspan.yaml` says of reading and settling."""

    dialects: Dialects
    rules: SettlingRules


class Replay:
    """Reads kept records again, one run at a time. `settings` is read anew for each run."""

    def __init__(
        self,
        pipeline: Pipeline,
        committer: Committer,
        ledger: ReplayLedger,
        settings: Callable[[], ReadingSettings],
        *,
        chunk: int = CHUNK,
    ) -> None:
        self._pipeline = pipeline
        self._committer = committer
        self._ledger = ledger
        self._settings = settings
        self._chunk = chunk
        self._busy = threading.Lock()
        self.share_done: float | None = None

    def run(
        self, period: Period = ALL_TIME, *, dry_run: bool, progress: Callable[[float], None] = lambda _: None
    ) -> Difference:
        """Read the records of `period` again and correct the ledger; with `dry_run` only say what would change.

        What comes from now on is read the same way, unless it is a dry run. Raise RetryableError when a run is under
        way. A dry run settles every few thousand records for themselves: where a trace is longer, it may count a
        call that the run itself finds to be a duplicate.
        """
        if not self._busy.acquire(blocking=False):
            raise RetryableError("a replay is under way")
        try:
            settings = self._settings()
            if not dry_run:
                self._pipeline.read_in(settings.dialects)
                self._committer.settle_by(settings.rules).result()
            planned, done, found = self._ledger.received(period), 0, Difference()
            for chunk in self._chunks(period):
                found += self._reread(chunk, period, settings, dry_run=dry_run)
                done += len(chunk)
                self.share_done = done / max(planned, done)
                progress(self.share_done)
            return found
        finally:
            self.share_done = None
            self._busy.release()

    def _chunks(self, period: Period) -> Iterator[list[KeptRecord]]:
        chunk: list[KeptRecord] = []
        for frame in self._ledger.frames(period):
            chunk += frame
            if len(chunk) >= self._chunk:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _reread(
        self, chunk: Sequence[KeptRecord], period: Period, settings: ReadingSettings, *, dry_run: bool
    ) -> Difference:
        kept_since = self._committer.kept_since()
        read = _read(
            [
                record
                for record in chunk
                if utc_from_ns(record.started_at_ns) in period
                and (kept_since is None or utc_from_ns(record.started_at_ns) >= kept_since)
            ],
            settings.dialects,
        )
        records = Difference(records=len(read.calls) + len(read.links))
        return (
            records + self._committer.between_commits(lambda _: self._correct(read, settings, dry_run=dry_run)).result()
        )

    def _correct(self, read: Reading, settings: ReadingSettings, *, dry_run: bool) -> Difference:
        before = self._ledger.recorded(Batch(list(read.calls.values()), list(read.links.values())))
        calls = {key: call for key, call in read.calls.items() if before.get(key) != call}
        links = {key: link for key, link in read.links.items() if key in before and _differs(before[key], link)}
        old = [before[key] for key in (*calls, *links) if key in before]
        old_calls = [record for record in old if isinstance(record, Call)]
        around = self._ledger.neighbourhood(Batch([*calls.values(), *old_calls], list(links.values())))
        known = {use.identity: use for use in around.tools}
        tools = {
            key: use for key, use in read.tools.items() if known.get(key) != use and (key in calls or key in links)
        }
        reread = calls.keys() | links.keys()
        if not reread:
            return Difference()
        fresh = Batch(list(calls.values()), list(links.values()), tools=list(tools.values()))
        without = replace(
            around,
            calls=[call for call in around.calls if call.identity not in reread],
            links=[link for link in around.links if link.identity not in reread],
            tools=[use for use in around.tools if use.identity not in tools],
            # Whatever the verdict on it, what stood for a record says how it was read before.
            standing={key: stands for key, stands in around.standing.items() if key not in reread},
        )
        entries, tool_entries, reversed_entry_ids = settled_anew(without, fresh, self._committer.card, settings.rules)
        reversed_entry_ids += [stands.entry_id for key, stands in around.standing.items() if key in reread]
        cost_before = self._ledger.cost_of(reversed_entry_ids)
        if not dry_run:
            posting = Posting(fresh, reversed_entry_ids, entries, tools=tool_entries, reread=list(reread))
            self._ledger.commit(posting)
        changed = sum(call.identity in calls for call in old_calls)
        return Difference(
            new_calls=len(calls) - changed,
            changed_calls=changed,
            lost_calls=len(old_calls) - changed,
            entries=len(entries) + len(reversed_entry_ids),
            cost_before=cost_before,
            cost_after=sum(entry.priced.cost or 0 for entry in entries if entry.role is Role.OWNER),
        )


def _read(chunk: Sequence[KeptRecord], dialects: Dialects) -> Reading:
    """Read records as they would be today. Of a record that came twice the first counts."""
    reading = Reading({}, {}, {})
    for found in chunk:
        record = kept_record(found)
        if isinstance(record, LogRecord):
            if (event := event_of(record, found.key)) is not None:
                event = owned(event, found.tenant)
                reading.calls.setdefault(event.identity, event)
        elif found.identity not in reading.calls and found.identity not in reading.links:
            _read_span(record, found.tenant, reading, dialects)
    return reading


def _read_span(record: SpanRecord, tenant: str | None, reading: Reading, dialects: Dialects) -> None:
    call, use = read_call(record, dialects), read_tool_use(record)
    if call is None:
        link = owned(read_link(record), tenant)
        reading.links[link.identity] = link
    else:
        call = owned(call, tenant)
        reading.calls[call.identity] = call
    if use is not None:
        use = owned(use, tenant)
        reading.tools[use.identity] = use


def event_of(record: LogRecord, identity: str) -> Call | None:
    """Return the call of a kept event. One without an id of its own goes by all that it said, not by what was kept."""
    call = read_event(record)
    if call is None or call.event_key != event_key(record):
        return call
    return replace(call, event_key=identity)


def _differs(before: Call | Link, link: Link) -> bool:
    # A ledger keeps where a link began to the second, for settling; that alone is no difference.
    return isinstance(before, Call) or replace(before, started_at_ns=0) != replace(link, started_at_ns=0)
