"""The meaning of `ledger_cells`, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from costspan.core.call import Role
from costspan.core.clock import utc_from_ns
from costspan.core.units import Unit
from costspan.server.store.cells import CellsQuestion, LedgerCell, LedgerLine
from costspan.server.store.entry import Entry

Key = tuple[datetime, str | None, str | None, str, str | None]


def ledger_cells(
    entries: Iterable[Entry], question: CellsQuestion, value: Callable[[Entry, str], str | None]
) -> list[LedgerCell]:
    """Return the cells of `entries`; `value` reads a group key of one."""
    cells: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.role is Role.OWNER and value(entry, "provider") == question.provider:
            hour = completed_at(entry).replace(minute=0, second=0, microsecond=0)
            if hour in question.period:
                scope = value(entry, question.scope_by) if question.scope_by else None
                cells[hour, question.provider, value(entry, "model"), entry.call.mode, scope].append(entry)
    ordered = sorted(cells, key=lambda key: tuple((part is None, str(part or "")) for part in key))
    return [_cell(key, cells[key]) for key in ordered]


def completed_at(entry: Entry) -> datetime:
    """Return when a call was complete; its start where its end is before that."""
    return utc_from_ns(max(entry.call.started_at_ns, entry.call.ended_at_ns))


def _cell(key: Key, entries: list[Entry]) -> LedgerCell:
    hour, provider, model, mode, scope = key
    used: dict[Unit, int] = defaultdict(int)
    charged: dict[Unit, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for entry in entries:
        for unit, quantity in entry.call.usage:
            used[unit] += quantity
        for charge in entry.priced.charges:
            before = charged[charge.unit]
            charged[charge.unit] = (
                before[0] + charge.quantity,
                before[1] + charge.list_cost,
                before[2] + charge.cost,
            )
    lines = {}
    for unit in Unit:
        quantity, list_cost, cost = charged.get(unit, (0, 0, 0))
        # A fee for each request is charged whether or not the emitter counted the request.
        if quantity or used.get(unit):
            lines[unit] = LedgerLine(max(quantity, used.get(unit, 0)), list_cost, cost)
    calls = sum(e.call.call_count for e in entries if not e.call.failed or e.call.usage)
    return LedgerCell(hour=hour, provider=provider, model=model, mode=mode, scope=scope, calls=calls, lines=lines)
