"""The meaning of the ports, in plain Python: what every engine must answer. Used by tests; keeps nothing after exit."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import count

from costspan.core.call import Call, Role, Signal
from costspan.core.charge import PriceStatus
from costspan.core.clock import Clock, system_clock, utc_from_ns
from costspan.core.link import Link
from costspan.semconv.metrics import MetricState
from costspan.semconv.settlement.witness import is_unplaced, testimony
from costspan.server.store import memory_calls
from costspan.server.store.calls import CallsPage, CallsQuestion, RecordPlace, TraceView
from costspan.server.store.cells import CellsQuestion, LedgerCell
from costspan.server.store.charge_classes import charge_classes
from costspan.server.store.entry import Batch, Entry, Neighbourhood, Posting, Standing, ToolEntry, digest
from costspan.server.store.memory_cells import ledger_cells
from costspan.server.store.memory_series import spend_series
from costspan.server.store.memory_tools import tool_traces
from costspan.server.store.memory_usage import usage_history
from costspan.server.store.quantiles import quantiles_ms
from costspan.server.store.question import (
    COLUMNS,
    TAG,
    Filter,
    Interval,
    LedgerSummary,
    Spend,
    SpendAnswer,
    SpendQuestion,
    SpendRow,
    bucket_start,
)
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion, Touched
from costspan.server.store.tools import AskedTrace, ToolQuestion, fits
from costspan.server.store.usage_history import UsageQuestion, UsageRow

GroupKey = tuple[tuple[str | None, ...], datetime | None]


class MemoryStore:
    """A ledger in a list."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._records: dict[str, Call | Link] = {}
        self._posted: dict[int, memory_calls.Posted] = {}
        self._entries: dict[int, Entry] = {}
        self._metrics = MetricState()
        self._tools: dict[int, ToolEntry] = {}
        self._entry_ids = count(1)
        self._lock = threading.Lock()

    def known(self, batch: Batch) -> frozenset[str]:
        """Return the identities that are recorded."""
        return frozenset(record.identity for record in batch.records if record.identity in self._records)

    def neighbourhood(self, batch: Batch) -> Neighbourhood:
        """Return all records of the traces and response ids in `batch`, and of those they lead to in turn."""
        near: dict[str, Call | Link] = {call.identity: call for call in self._lesser_claims(batch)}
        touched: list[Call | Link] = [*batch.records, *near.values()]
        while touched:
            traces = {record.trace_id for record in touched if record.trace_id}
            responses = {record.response_id for record in touched if isinstance(record, Call) and record.response_id}
            touched = [
                record
                for identity, record in self._records.items()
                if identity not in near
                and (record.trace_id in traces or (isinstance(record, Call) and record.response_id in responses))
            ]
            near |= {record.identity: record for record in touched}
        calls = [record for record in near.values() if isinstance(record, Call)]
        links = [record for record in near.values() if isinstance(record, Link)]
        witnesses = testimony(entry.call for entry in self._entries.values())
        standing = {i: entry for i, entry in self._tools.items() if entry.use.identity in near}
        return Neighbourhood(
            calls,
            links,
            witnesses,
            self._standing(call.identity for call in calls),
            tools=[entry.use for entry in standing.values()],
            standing_tools={
                entry.use.identity: Standing(entry_id, entry.digest) for entry_id, entry in standing.items()
            },
        )

    def metric_state(self) -> MetricState:
        """Return what every cumulative metric series had counted at its last point."""
        return self._metrics

    def kept_since(self) -> None:
        """Everything is kept."""

    @property
    def trouble(self) -> None:
        """Nothing can go wrong."""

    def probe(self) -> None:
        """Nothing to write on."""

    def commit(self, posting: Posting) -> None:
        """Add the records, drop the entries taken back, add the new ones."""
        with self._lock:
            self._records |= {record.identity: record for record in posting.batch.records}
            self._metrics = posting.metrics or self._metrics
            now = self._clock()
            for entry_id in posting.reversed_entry_ids:
                if self._tools.pop(entry_id, None) is None:
                    del self._entries[entry_id]
                    self._posted[entry_id] = replace(self._posted[entry_id], taken_back_at=now)
            for entry in posting.entries:
                entry_id = next(self._entry_ids)
                self._entries[entry_id] = entry
                self._posted[entry_id] = memory_calls.Posted(entry_id, entry, now)
            self._tools |= {next(self._entry_ids): tool for tool in posting.tools}

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return rows and total."""
        asked = [entry for entry in self._entries.values() if _is_asked(entry, question)]
        groups: dict[GroupKey, list[Entry]] = defaultdict(list)
        if question.group_by or question.interval is not Interval.TOTAL:
            for entry in asked:
                start = bucket_start(_started_at(entry), question.interval, question.zone)
                groups[_key(entry, question), start].append(entry)
        rows = [SpendRow(key, start, _measure(members)) for (key, start), members in groups.items()]
        return SpendAnswer(tuple(_ranked(rows, asked, question)), _measure(asked))

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        """Return spend by group and five minutes."""
        wanted = SpendQuestion(question.period, question.group_by, filters=question.filters)
        asked = (entry for entry in self._entries.values() if _is_asked(entry, wanted))
        return spend_series(((_key(entry, wanted), entry) for entry in asked), question)

    def touched(self, after: datetime | None = None) -> Touched:
        """Return what was posted after a moment."""
        moments = [(each.taken_back_at or each.at, _started_at(each.entry)) for each in self._posted.values()]
        later = [(at, started) for at, started in moments if after is None or at > after]
        since = None if after is None else min((started for _, started in later), default=None)
        return Touched(max((at for at, _ in later), default=None), since)

    def summary(self) -> LedgerSummary:
        """Return how much the ledger holds."""
        owned = [entry for entry in self._entries.values() if entry.role is Role.OWNER]
        starts = [_started_at(entry) for entry in self._entries.values()]
        dialects: dict[str, int] = defaultdict(int)
        for entry in owned:
            dialects[entry.call.dialect] += entry.call.call_count
        return LedgerSummary(
            len(owned), min(starts, default=None), max(starts, default=None), dict(sorted(dialects.items()))
        )

    def standing_entries(self) -> tuple[Entry, ...]:
        """Return the entries that were not taken back."""
        return tuple(self._entries.values())

    def calls(self, question: CallsQuestion) -> CallsPage:
        """Return one page of the entries asked for."""
        posted = list(self._posted.values())
        newest = max((each.taken_back_at or each.at for each in posted), default=None)
        wanted = SpendQuestion(question.period, filters=question.filters)
        return memory_calls.page((p for p in posted if _is_asked(p.entry, wanted)), question, newest, self._place)

    def traces(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the first recorded trace ids that begin with `prefix`."""
        return tuple(sorted({r.trace_id for r in self._records.values() if r.trace_id.startswith(prefix)})[:limit])

    def trace(self, trace_id: str) -> TraceView:
        """Return all that is recorded of a trace."""
        links = [record for record in self._records.values() if isinstance(record, Link)]
        return memory_calls.view(trace_id, list(self._posted.values()), links, self._place)

    def usage_history(self, question: UsageQuestion) -> list[UsageRow]:
        """Return what the calls asked about used."""
        wanted = SpendQuestion(question.period, filters=question.filters)
        owned = [each for each in self._entries.values() if each.role is Role.OWNER and _is_asked(each, wanted)]
        return usage_history(owned, question, _value)

    def tool_traces(self, question: ToolQuestion) -> list[AskedTrace]:
        """Return the traces with a tool use or a tool's fee asked about."""
        return tool_traces(self._records.values(), self._entries.values(), self._tools.values(), question)

    def ledger_cells(self, question: CellsQuestion) -> list[LedgerCell]:
        """Return the cells of calls that count."""
        return ledger_cells(self._entries.values(), question, _value)

    def close(self) -> None:
        """Nothing to release."""

    def _lesser_claims(self, batch: Batch) -> list[Call]:
        ranks = list(Signal)
        best = min((ranks.index(call.signal) for call in batch.calls), default=len(ranks))
        services = {call.attribution.service for call in batch.calls}
        return [
            record
            for entry in self._entries.values()
            if entry.role is Role.OWNER and is_unplaced(entry.call) and ranks.index(entry.call.signal) > best
            if entry.call.attribution.service in services
            if isinstance(record := self._records[entry.call.identity], Call)
        ]

    def _place(self, identity: str) -> RecordPlace | None:
        record = self._records.get(identity)
        return memory_calls.place_of(record) if record else None

    def _standing(self, identities: Iterable[str]) -> dict[str, Standing]:
        wanted = frozenset(identities)
        return {
            entry.call.identity: Standing(entry_id, digest(entry.settled))
            for entry_id, entry in self._entries.items()
            if entry.call.identity in wanted
        }


def _measure(entries: Iterable[Entry]) -> Spend:
    entries = list(entries)
    owned = [entry for entry in entries if entry.role is Role.OWNER]
    duplicates = [entry for entry in entries if entry.role is Role.DUPLICATE]
    billed = [entry for entry in owned if entry.priced.cost is not None]
    without = [entry for entry in owned if entry.priced.cost is None]
    unpriced = [entry for entry in without if not entry.call.failed]
    classes = [charge_classes(entry.priced) for entry in owned]
    return Spend(
        calls=_requests(owned),
        billed_calls=_requests(billed),
        errors=_requests(without) - _requests(unpriced),
        retries=_requests(entry for entry in owned if entry.call.attempt > 1),
        truncated=_requests(entry for entry in owned if entry.call.finish_reason == "length"),
        unpriced_calls=_requests(unpriced),
        partial_calls=_requests(entry for entry in owned if entry.priced.status is PriceStatus.PARTIAL),
        usage_missing_calls=_requests(e for e in unpriced if e.priced.status is PriceStatus.USAGE_MISSING),
        duplicate_calls=_requests(duplicates),
        input_tokens=sum(entry.call.usage.input_tokens for entry in owned),
        cache_read_tokens=sum(entry.call.usage.cache_read_tokens for entry in owned),
        cache_write_tokens=sum(entry.call.usage.cache_write_tokens for entry in owned),
        output_tokens=sum(entry.call.usage.output_tokens for entry in owned),
        reasoning_tokens=sum(entry.call.usage.reasoning_tokens for entry in owned),
        unpriced_tokens=sum(entry.call.usage.tokens for entry in without),
        cost=_sum(entry.priced.cost for entry in owned),
        list_cost=_sum(entry.priced.list_cost for entry in owned),
        duplicate_cost=_sum(entry.priced.cost for entry in duplicates),
        input_cost=_sum(c.input for c in classes),
        cache_read_cost=_sum(c.cache_read for c in classes),
        cache_write_cost=_sum(c.cache_write for c in classes),
        output_cost=_sum(c.output for c in classes),
        fee_cost=_sum(c.fee for c in classes),
        cache_savings=_sum(entry.priced.cache_savings for entry in owned),
        estimated_cost=_estimate(owned),
        estimated_cost_stderr=_standard_error(owned),
        sampling_unknown_calls=_requests(entry for entry in owned if entry.settled.adjusted is None),
        latency_ms=quantiles_ms([entry.call.ended_at_ns - entry.call.started_at_ns for entry in owned]),
        ttft_ms=quantiles_ms(
            [int(s * 1e9) for entry in owned if (s := entry.call.time_to_first_chunk_s) is not None and 0 <= s < 3600]
        ),
    )


def _requests(entries: Iterable[Entry]) -> int:
    return sum(entry.call.call_count for entry in entries)


def _estimate(owned: list[Entry]) -> int | None:
    if all(entry.settled.adjusted is None for entry in owned):
        return None
    return _sum(entry.priced.cost if entry.estimated_cost is None else entry.estimated_cost for entry in owned)


def _standard_error(owned: list[Entry]) -> float | None:
    """Return the root of the sum of w(w-1)y² over sampled traces, y being what a trace cost in the group."""
    traces: dict[tuple[str, float], int] = defaultdict(int)
    sampled = [entry for entry in owned if entry.estimated_cost is not None]
    for entry in sampled:
        weight = float(entry.settled.adjusted or 1)
        traces[entry.call.trace_id or entry.call.identity, weight] += entry.priced.cost or 0
    return math.sqrt(math.fsum(w * (w - 1) * y * y for (_, w), y in traces.items())) if sampled else None


def _sum(amounts: Iterable[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _ranked(rows: list[SpendRow], asked: list[Entry], question: SpendQuestion) -> list[SpendRow]:
    def rank(key: tuple[str | None, ...], spend: Spend) -> tuple[bool, int, tuple[tuple[bool, str], ...]]:
        amount = getattr(spend, question.order)
        signed = 0 if amount is None else amount if question.ascending else -amount
        return amount is None, signed, tuple((part is None, part or "") for part in key)

    if question.limit is not None and question.group_by and question.interval is not Interval.TOTAL:
        by_key: dict[tuple[str | None, ...], list[Entry]] = defaultdict(list)
        for entry in asked:
            by_key[_key(entry, question)].append(entry)
        top = sorted(by_key, key=lambda key: rank(key, _measure(by_key[key])))[: question.limit]
        rows = [row for row in rows if row.key in top]
    ordered = sorted(rows, key=lambda row: (row.start or datetime.min, rank(row.key, row.spend)))  # noqa: DTZ901 - a sentinel
    return ordered if question.interval is not Interval.TOTAL and question.group_by else ordered[: question.limit]


def _is_asked(entry: Entry, question: SpendQuestion) -> bool:
    if _started_at(entry) not in question.period:
        return False
    by_key: dict[str, list[Filter]] = defaultdict(list)
    for chosen in question.filters:
        by_key[chosen.key].append(chosen)
    return all(fits(_value(entry, key), filters) for key, filters in by_key.items())


def _key(entry: Entry, question: SpendQuestion) -> tuple[str | None, ...]:
    return tuple(_value(entry, key) for key in question.group_by)


def _started_at(entry: Entry) -> datetime:
    return utc_from_ns(entry.call.started_at_ns)


_ELSEWHERE: dict[str, Callable[[Entry], str | None]] = {
    "model": lambda entry: entry.priced.model or next(iter(entry.call.models), None),
    "provider": lambda entry: entry.priced.provider or entry.call.provider,
    "price_status": lambda entry: entry.priced.status.value,
    "attempt": lambda entry: str(entry.call.attempt),
}


def _value(entry: Entry, key: str) -> str | None:
    if key.startswith(TAG):
        return entry.call.attribution.tags.get(key.removeprefix(TAG))
    if key in _ELSEWHERE:
        return _ELSEWHERE[key](entry)
    column = COLUMNS[key]
    value: str | None = getattr(entry.call if hasattr(entry.call, column) else entry.call.attribution, column)
    return value
