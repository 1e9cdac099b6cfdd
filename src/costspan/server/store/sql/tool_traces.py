"""Tool uses and fees read back as whole traces, so that shares can be worked out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from costspan.core.attribution import Attribution
from costspan.core.call import SpanClass
from costspan.core.clock import ns_from_utc
from costspan.core.period import Period
from costspan.core.tool import ToolUse
from costspan.core.units import Unit
from costspan.semconv.settlement.tools import PROVIDER_TOOLS, CostedCall, Fee, ToolTrace
from costspan.server.store.encoding import decode_use
from costspan.server.store.ports import SETTLING_WINDOW
from costspan.server.store.sql.conditions import conditions, naive
from costspan.server.store.sql.dialect import Ask, Dialect
from costspan.server.store.sql.standing import reach, standing
from costspan.server.store.tools import MAX_TRACES, AskedTrace, ToolQuestion, too_many, without_tool

_FEE_UNITS: Final = ", ".join(f"'{unit.value}'" for unit in PROVIDER_TOOLS)
_COUNTS: Final = "role = 'owner'"
_FIRST: Final = datetime.min + SETTLING_WINDOW  # noqa: DTZ901 - as the tables keep moments
_LAST: Final = datetime.max - SETTLING_WINDOW  # noqa: DTZ901 - likewise
_AROUND: Final = "started_at BETWEEN ? AND ?"
_RECORDS: Final = """(
SELECT trace_id, span_id, parent_span_id, started_at FROM records
UNION ALL
SELECT trace_id, span_id, parent_span_id, started_at FROM calls WHERE as_received AND sign > 0
)"""


def tool_traces(ask: Ask, dialect: Dialect, question: ToolQuestion) -> list[AskedTrace]:
    """Return the traces that hold a tool use or a fee asked about, each of one tenant; `ask` sees one snapshot.

    Raise UsageError for too many.
    """
    return _Traces(ask, dialect, question).read()


class _Traces:
    """The reads of one question."""

    def __init__(self, ask: Ask, dialect: Dialect, question: ToolQuestion) -> None:
        period = question.period
        self._ask = ask
        self._dialect = dialect
        self._trace = dialect.hex("trace_id")
        self._uses_asked = conditions(dialect, period, question.filters, booked=False)
        self._calls_asked = conditions(dialect, period, without_tool(question.filters))
        self._times = _around(period)
        self._reach = reach(dialect, period)
        self._in_part = f"{_AROUND} AND trace_id IN (SELECT {dialect.unhex(dialect.split('?'))})"
        self._parents: dict[str, dict[str, str | None]] = defaultdict(dict)
        self._uses: dict[str, list[ToolUse]] = defaultdict(list)
        self._calls: dict[str, list[CostedCall]] = defaultdict(list)
        self._fees: dict[int, list[Fee]] = defaultdict(list)
        self._asked_uses: set[str] = set()
        self._asked_calls: set[str] = set()

    def read(self) -> list[AskedTrace]:
        trace_ids = self._trace_ids()
        if len(trace_ids) > MAX_TRACES:
            raise too_many(len(trace_ids))
        self._read_fees()
        self._read_calls_of_no_trace()
        for part in self._dialect.listed(trace_ids):
            self._read_uses(part)
            self._read_calls(part)
            self._read_parents(part)
        asked_uses, asked_calls = frozenset(self._asked_uses), frozenset(self._asked_calls)
        return [
            AskedTrace(
                ToolTrace(self._parents[key.rpartition(":")[2]], self._uses[key], self._calls[key]),
                asked_uses,
                asked_calls,
            )
            for key in sorted(self._uses.keys() | self._calls.keys())
        ]

    def _trace_ids(self) -> list[str]:
        uses_where, uses_values = self._uses_standing(*self._uses_asked)
        calls_where, calls_values = self._with_fee()
        query = (
            f"SELECT DISTINCT id FROM (SELECT {self._trace} AS id FROM tools WHERE {uses_where} "
            f"UNION ALL SELECT {self._trace} AS id FROM calls WHERE {calls_where} AND trace_id IS NOT NULL)"
        )
        return [row[0] for row in self._ask(query, [*uses_values, *calls_values])]

    def _uses_standing(self, where: str, values: list[Any]) -> tuple[str, list[Any]]:
        stand, of_standing = standing(_AROUND, self._times, table="tools")
        return f"{stand} AND {where}", [*of_standing, *values]

    def _with_fee(self) -> tuple[str, list[Any]]:
        """Return the condition of the calls asked about that count and cost a tool's fee, and its values."""
        (within, of_reach), (where, values) = self._reach, self._calls_asked
        stand, of_standing = standing(within, of_reach)
        has_fee = f"entry_id IN (SELECT entry_id FROM charges WHERE unit IN ({_FEE_UNITS}) AND {within})"
        return f"{_COUNTS} AND {stand} AND {where} AND {has_fee}", [*of_standing, *values, *of_reach]

    def _read_fees(self) -> None:
        sums = ", ".join(f"{self._dialect.total(f'sign * {value}', None)}" for value in ("quantity", "cost"))
        query = (
            f"SELECT entry_id, unit, {sums} FROM charges WHERE unit IN ({_FEE_UNITS}) AND {_AROUND} "
            "GROUP BY entry_id, unit HAVING sum(sign) > 0 ORDER BY entry_id, unit"
        )
        for entry_id, unit, quantity, cost in self._ask(query, self._times):
            self._fees[entry_id].append(Fee(Unit(unit), int(quantity), int(cost)))

    def _read_uses(self, part: str) -> None:
        where, values = self._uses_asked
        stand, of_standing = self._uses_standing(self._in_part, [*self._times, part])
        query = f"SELECT {self._trace}, use, tool, agent, ({where}) FROM tools WHERE {stand} ORDER BY entry_id"
        for trace_id, encoded, tool, agent, is_asked in self._ask(query, [*values, *of_standing]):
            received = decode_use(encoded)
            use = replace(received, name=tool, attribution=replace(received.attribution, agent=agent))
            self._uses[use.attribution.scoped(trace_id)].append(use)
            if is_asked:
                self._asked_uses.add(use.identity)

    def _read_calls(self, part: str) -> None:
        stand, values = standing(_AROUND, self._times)
        self._enter(f"{_COUNTS} AND {stand} AND {self._in_part}", [*values, *self._times, part])

    def _read_calls_of_no_trace(self) -> None:
        where, values = self._with_fee()
        self._enter(f"{where} AND trace_id IS NULL", values)

    def _enter(self, which: str, values: list[Any]) -> None:
        where, asked = self._calls_asked
        query = (
            f"SELECT entry_id, {self._trace}, {self._dialect.hex('key')}, span_id, started_at, operation, span_class, "
            f"agent, error_type, cost, ({where}), tenant FROM calls WHERE {which} ORDER BY entry_id"
        )
        for row in self._ask(query, [*asked, *values]):
            call = _costed(row, tuple(self._fees.get(row[0], ())))
            self._calls[Attribution(tenant=row[11]).scoped(row[1] or call.identity)].append(call)
            if row[10]:
                self._asked_calls.add(call.identity)

    def _read_parents(self, part: str) -> None:
        query = (
            f"SELECT {self._trace}, span_id, max(parent_span_id) FROM {_RECORDS} "
            f"WHERE {self._in_part} AND span_id IS NOT NULL GROUP BY trace_id, span_id"
        )
        for trace_id, span_id, parent in self._ask(query, [*self._times, part]):
            self._parents[trace_id][_span(span_id)] = None if parent is None else _span(parent)


def _around(period: Period) -> list[datetime]:
    since, until = naive(period.since), naive(period.until)
    return [max(since, _FIRST) - SETTLING_WINDOW, min(until, _LAST) + SETTLING_WINDOW]


def _costed(row: tuple[Any, ...], fees: tuple[Fee, ...]) -> CostedCall:
    _, trace_id, key, span_id, started_at, operation, span_class, agent, error_type, cost, *_ = row
    return CostedCall(
        identity=key,
        span_id=None if span_id is None or trace_id is None else _span(span_id),
        started_at_ns=ns_from_utc(started_at.replace(tzinfo=UTC)),
        operation=operation,
        span_class=SpanClass(span_class),
        agent=agent,
        failed=error_type is not None,
        cost=cost,
        fees=fees if cost is not None else (),
    )


def _span(span_id: int) -> str:
    return f"{span_id:016x}"
