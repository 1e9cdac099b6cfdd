"""The traces of late, whole, in memory: most batches then settle without a question to the file.

It changes no answer. A trace is held only with all that the ledger has of it; of every other text it is known whether
the ledger surely has not got it, or may have, and then the file is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from costspan.core.call import Call
from costspan.core.clock import NS_PER_S
from costspan.core.link import Link
from costspan.core.tool import ToolUse
from costspan.semconv.settlement.witness import is_unplaced
from costspan.server.store.duckdb.fingerprints import Fingerprints
from costspan.server.store.entry import Entry, Neighbourhood, Posting, Standing, ToolEntry

MAX_RECORDS: Final = 40_000
"""Records held, in all: about 60 MB."""
MAX_OF_A_TRACE: Final = 1_000
"""Records of a trace that is held; the file is asked for a larger one."""
_NS_PER_HOUR: Final = 3_600 * NS_PER_S


@dataclass(slots=True)
class Held:
    """One trace: its records by identity, the entry that stands for each call, and its tool uses with theirs."""

    records: dict[str, Call | Link] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    tools: dict[str, tuple[ToolUse, Standing]] = field(default_factory=dict)


class Recent:
    """What one ledger file holds of the traces last written. Not thread-safe: it belongs to the writing thread.

    `hours` are those, since 1970, in which a record of the file began; `services` have claims outside any span.
    """

    def __init__(self, hours: Iterable[int], services: Iterable[str], most_of_a_trace: int = MAX_OF_A_TRACE) -> None:
        self._traces: dict[str, Held] = {}
        self._of_response: dict[str, tuple[str, ...]] = {}
        self._count = 0
        self._elsewhere = Fingerprints()
        self._surely_new: set[str] = set()
        """Texts that were looked up and not found since the last commit: each is asked for several times."""
        self._unknown_hours = set(hours)
        self._forgotten_hours: set[int] = set()
        self._resolved: set[str] = set()
        self._most_of_a_trace = min(most_of_a_trace, MAX_OF_A_TRACE)
        self.services_with_unplaced = set(services)

    def remember(self, texts: Iterable[str], hours: Iterable[int]) -> None:
        """Note traces and response ids of the file: all there are of records that began in `hours`."""
        known = set(hours)
        self._unknown_hours -= known
        self._forgotten_hours |= known
        for text in texts:
            self._mark(text)

    def get(self, trace_id: str) -> Held | None:
        """Return a trace with all its records, or None when it is not held."""
        return self._traces.get(trace_id)

    def traces_of(self, response_id: str) -> Sequence[str]:
        """Return the traces held that have a call of that response."""
        return self._of_response.get(response_id, ())

    def is_blind(self, first_ns: int, last_ns: int) -> bool:
        """Return True when the file may hold records of that time of which nothing is known here."""
        if not self._unknown_hours:
            return False
        first, last = first_ns // _NS_PER_HOUR, last_ns // _NS_PER_HOUR
        return any(first <= hour <= last for hour in self._unknown_hours)

    def may_be_elsewhere(self, text: str) -> bool:
        """Return True when a trace or response id that is not held may be in the file; blindness aside."""
        if text in self._surely_new:
            return False
        if text in self._elsewhere:
            return True
        if len(self._surely_new) >= MAX_RECORDS:
            self._surely_new.clear()
        self._surely_new.add(text)
        return False

    def learn(self, around: Neighbourhood, asked: Iterable[str]) -> None:
        """Hold what the file answered when it was asked for traces, as far as it is whole."""
        self._resolved.update(asked)
        found: dict[str, list[Call | Link]] = {}
        for record in around.records:
            if record.trace_id:
                found.setdefault(record.trace_id, []).append(record)
        for trace_id, records in found.items():
            if trace_id in around.cut or len(records) > self._most_of_a_trace:
                self._give_up(trace_id)
                continue
            held = self._held(trace_id)
            for record in records:
                self._put(held, record)
                if (stands := around.standing.get(record.identity)) is not None:
                    held.standing[record.identity] = stands
        for use in around.tools:
            if (has := self._traces.get(use.trace_id)) is not None:
                has.tools[use.identity] = (use, around.standing_tools[use.identity])

    def add(self, posting: Posting, standing: Sequence[Standing], tool_ids: Sequence[int]) -> None:
        """Take in what was committed: `standing` what the entries are found by from now on, `tool_ids` the tools."""
        for record in posting.batch.records:
            trace_id = record.trace_id
            held = self._traces.get(trace_id)
            if held is not None:
                self._put(held, record)
            elif trace_id and self._is_whole(trace_id, record.started_at_ns):
                self._put(self._held(trace_id), record)
            else:
                self._leave(record)
        replaced = self._enter(posting.entries, standing) | self._enter_tools(posting.tools, tool_ids)
        if not replaced.issuperset(posting.reversed_entry_ids):
            self.forget()
        self._resolved.clear()
        self._surely_new.clear()
        self._shrink()

    def forget(self) -> None:
        """Hold nothing: after entries were written other than by `add`."""
        for trace_id in list(self._traces):
            self._give_up(trace_id)

    def _held(self, trace_id: str) -> Held:
        held = self._traces.get(trace_id)
        if held is None:
            held = self._traces[trace_id] = Held()
        return held

    def _put(self, held: Held, record: Call | Link) -> None:
        before = len(held.records)
        held.records[record.identity] = record
        self._count += len(held.records) - before
        if isinstance(record, Call):
            if record.response_id:
                traces = self._of_response.get(record.response_id, ())
                if record.trace_id not in traces:
                    self._of_response[record.response_id] = (*traces, record.trace_id)
            if not record.span_id and is_unplaced(record):
                self.services_with_unplaced.add(record.attribution.service or "")
        if len(held.records) > self._most_of_a_trace:
            self._give_up(record.trace_id)

    def _is_whole(self, trace_id: str, started_at_ns: int) -> bool:
        """Return True when a trace that is not held has no record in the file."""
        if trace_id in self._resolved:
            return True
        day = 24 * _NS_PER_HOUR
        return not self.may_be_elsewhere(trace_id) and not self.is_blind(started_at_ns - day, started_at_ns + day)

    def _enter(self, entries: Sequence[Entry], standing: Sequence[Standing]) -> set[int]:
        replaced: set[int] = set()
        for stands, entry in zip(standing, entries, strict=True):
            call = entry.settled.call
            held = self._traces.get(call.trace_id)
            if held is not None:
                identity = call.identity
                before = held.standing.get(identity)
                if before is not None:
                    replaced.add(before.entry_id)
                held.standing[identity] = stands
        return replaced

    def _enter_tools(self, tools: Sequence[ToolEntry], ids: Sequence[int]) -> set[int]:
        replaced: set[int] = set()
        for entry_id, entry in zip(ids, tools, strict=True):
            held = self._traces.get(entry.use.trace_id)
            if held is not None:
                before = held.tools.get(entry.use.identity)
                if before is not None:
                    replaced.add(before[1].entry_id)
                held.tools[entry.use.identity] = (entry.use, Standing(entry_id, entry.digest))
        return replaced

    def _shrink(self) -> None:
        # Found in one pass: the first key of a dictionary lies behind all that were taken from its beginning.
        over, oldest = self._count - MAX_RECORDS, []
        for trace_id, held in self._traces.items():
            if over <= 0:
                break
            over -= len(held.records)
            oldest.append(trace_id)
        for trace_id in oldest:
            self._give_up(trace_id)

    def _give_up(self, trace_id: str) -> None:
        self._resolved.discard(trace_id)
        self._mark(trace_id)
        held = self._traces.pop(trace_id, None)
        if held is None:
            return
        self._count -= len(held.records)
        for record in held.records.values():
            self._note(record)
            if isinstance(record, Call) and record.response_id:
                traces = self._of_response.pop(record.response_id, ())
                if traces != (trace_id,) and (left := tuple([trace for trace in traces if trace != trace_id])):
                    self._of_response[record.response_id] = left

    def _leave(self, record: Call | Link) -> None:
        """Note that a record is in the file and not held."""
        if record.trace_id:
            self._mark(record.trace_id)
        self._note(record)

    def _note(self, record: Call | Link) -> None:
        """Note what is to be known of a record in the file beside its trace."""
        self._forgotten_hours.add(record.started_at_ns // _NS_PER_HOUR)
        if isinstance(record, Call):
            if record.response_id:
                self._mark(record.response_id)
            if not record.span_id and is_unplaced(record):
                self.services_with_unplaced.add(record.attribution.service or "")

    def _mark(self, text: str) -> None:
        self._surely_new.discard(text)
        if self._elsewhere.add(text):
            # What was given up may be of any hour that was left so far.
            self._unknown_hours |= self._forgotten_hours
