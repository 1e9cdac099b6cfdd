"""What the usage history means, in plain Python: each call beside the one before it in its conversation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from costspan.core.call import Signal
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.server.store.entry import Entry, key_of
from costspan.server.store.usage_history import (
    CACHE_LIVES,
    LEAST_CACHED,
    REUSED_WITHIN,
    Repeated,
    UsageQuestion,
    UsageRow,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Beside:
    """A call with its neighbours in the conversation, and the most that others read later, by life of the cache."""

    entry: Entry
    before: Entry | None
    after: Entry | None
    read_later: dict[Unit, int]

    @property
    def context(self) -> int:
        """Input tokens of the one request; a metric sums many."""
        return _context(self.entry)

    def repeated(self, *, least: bool) -> Repeated:
        """Return what of the input the call before had sent too."""
        usage, read = self.entry.call.usage, 0
        if self.before is not None and _began(self.entry) - _began(self.before) <= REUSED_WITHIN:
            same = min(_context(self.before), self.context)
            goes_on = self.context >= _context(self.before) and _ended(self.before) <= _began(self.entry)
            if same >= LEAST_CACHED and (goes_on or not least):
                read = max(0, min(same - usage.cache_read_tokens, usage[Unit.INPUT]))
        soon = self.after is not None and _began(self.after) - _began(self.entry) <= REUSED_WITHIN
        written = usage[Unit.INPUT] - read if soon and self.context >= LEAST_CACHED else 0
        return Repeated(read=read, written=written)

    @property
    def unread(self) -> Usage:
        """What was written to the cache and not read in its life."""
        usage = self.entry.call.usage
        return Usage({unit: usage[unit] for unit in CACHE_LIVES if self.read_later[unit] < usage[unit]})


def usage_history(
    entries: Iterable[Entry], question: UsageQuestion, key: Callable[[Entry, str], str | None]
) -> list[UsageRow]:
    """Return the sums of each group of the entries asked about; `key` gives the value of a group key."""
    groups: dict[tuple[object, ...], list[_Beside]] = defaultdict(list)
    for each in _beside(list(entries)):
        call = each.entry.call
        hour = _began(each.entry).replace(minute=0, second=0, microsecond=0)
        band = sum(each.context > over for over in question.breaks)
        names = (call.provider, call.requested_model, call.response_model, call.mode)
        streams = bool(call.streamed) or _has_ttft(each.entry)
        is_unpriced = each.entry.priced.cost is None
        group = tuple(key(each.entry, name) for name in question.group_by)
        groups[(group, *names, hour, band, streams, is_unpriced)].append(each)
    return [_row(place, members) for place, members in groups.items()]


def _row(place: tuple[object, ...], members: Sequence[_Beside]) -> UsageRow:
    group, provider, requested, response, mode, hour, band, streams, _ = place
    costs = [each.entry.priced.cost for each in members if each.entry.priced.cost is not None]
    least, most = ([each.repeated(least=is_least) for each in members] for is_least in (True, False))
    return UsageRow(
        key=group,  # type: ignore[arg-type] # what `usage_history` put there
        provider=provider,  # type: ignore[arg-type]
        requested_model=requested,  # type: ignore[arg-type]
        response_model=response,  # type: ignore[arg-type]
        mode=str(mode),
        hour=hour,  # type: ignore[arg-type]
        band=band,  # type: ignore[arg-type]
        streamed=bool(streams),
        calls=sum(each.entry.call.call_count for each in members),
        cost=sum(costs) if costs else None,
        usage=sum((each.entry.call.usage for each in members), Usage()),
        repeated_least=_added(least),
        repeated_most=_added(most),
        unread=sum((each.unread for each in members), Usage()),
    )


def _added(parts: Sequence[Repeated]) -> Repeated:
    return Repeated(read=sum(part.read for part in parts), written=sum(part.written for part in parts))


def _beside(entries: Sequence[Entry]) -> list[_Beside]:
    threads: dict[tuple[str | None, ...], list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda each: (_began(each), key_of(each.call.identity))):
        call = entry.call
        thread = call.attribution.session or call.trace_id or call.identity
        threads[call.attribution.tenant, _model(entry), thread].append(entry)
    found = []
    for thread_entries in threads.values():
        for place, entry in enumerate(thread_entries):
            before = thread_entries[place - 1] if place else None
            after = thread_entries[place + 1] if place + 1 < len(thread_entries) else None
            found.append(_Beside(entry, before, after, _read_later(entry, entries)))
    return found


def _read_later(entry: Entry, entries: Sequence[Entry]) -> dict[Unit, int]:
    written = entry.call.attribution
    same = [
        each
        for each in entries
        if (_model(each), each.call.attribution.feature, each.call.attribution.tenant)
        == (_model(entry), written.feature, written.tenant)
    ]
    return {
        unit: max(
            (each.call.usage.cache_read_tokens for each in same if _STEP <= _began_ms(each) - _began_ms(entry) <= life),
            default=0,
        )
        for unit, life in CACHE_LIVES.items()
    }


_STEP: Final = timedelta(milliseconds=1)
"""As fine as the life of what is in a cache is told."""


def _model(entry: Entry) -> str | None:
    return entry.call.response_model or entry.call.requested_model


def _context(entry: Entry) -> int:
    return 0 if entry.call.signal is Signal.METRIC else entry.call.usage.context_tokens


def _has_ttft(entry: Entry) -> bool:
    ttft_s = entry.call.time_to_first_chunk_s
    return ttft_s is not None and 0 <= ttft_s < 3600


def _began(entry: Entry) -> datetime:
    return _EPOCH + timedelta(microseconds=entry.call.started_at_ns // 1000)


def _began_ms(entry: Entry) -> datetime:
    began = _began(entry)
    return began - timedelta(microseconds=began.microsecond % 1000)


def _ended(entry: Entry) -> datetime:
    took_ns = max(0, entry.call.ended_at_ns - entry.call.started_at_ns)
    return _began(entry) + timedelta(microseconds=took_ns // 1000)
