"""The meaning of a question about tools, in plain Python; part of the ledger in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from costspan.core.attribution import Attribution
from costspan.core.call import Call, Role
from costspan.core.clock import utc_from_ns
from costspan.core.link import Link
from costspan.core.period import Period
from costspan.core.tool import ToolUse
from costspan.semconv.settlement.tools import PROVIDER_TOOLS, CostedCall, Fee, ToolTrace
from costspan.server.store.entry import Entry, ToolEntry
from costspan.server.store.question import COLUMNS, TAG, Filter
from costspan.server.store.tools import MAX_TRACES, AskedTrace, ToolQuestion, fits, too_many, without_tool


def tool_traces(
    records: Iterable[Call | Link], entries: Iterable[Entry], tools: Iterable[ToolEntry], question: ToolQuestion
) -> list[AskedTrace]:
    """Return the traces that hold a tool use or a fee asked about. Raise UsageError for too many."""
    calls: dict[str, list[CostedCall]] = defaultdict(list)
    uses: dict[str, list[ToolUse]] = defaultdict(list)
    asked_calls: dict[str, set[str]] = defaultdict(set)
    asked_uses: dict[str, set[str]] = defaultdict(set)
    of_calls = without_tool(question.filters)
    for entry in entries:
        if entry.role is Role.OWNER:
            trace_id = _trace(entry.call) if entry.call.trace_id else entry.call.identity
            calls[trace_id].append(costed := _costed(entry))
            if costed.fees and _is_asked(entry.call.started_at_ns, entry.call.attribution, question.period, of_calls):
                asked_calls[trace_id].add(costed.identity)
    for tool in tools:
        uses[_trace(tool.use)].append(
            replace(tool.use, name=tool.attribution.tool or tool.use.name, attribution=tool.attribution)
        )
        if _is_asked(tool.use.started_at_ns, tool.attribution, question.period, question.filters):
            asked_uses[_trace(tool.use)].add(tool.use.identity)
    parents: dict[str, dict[str, str | None]] = defaultdict(dict)
    for record in records:
        if record.span_id:
            known = parents[_trace(record)].get(record.span_id)
            parents[_trace(record)][record.span_id] = known or record.parent_span_id
    trace_ids = sorted(asked_calls.keys() | asked_uses.keys())
    if len(trace_ids) > MAX_TRACES:
        raise too_many(len(trace_ids))
    return [
        AskedTrace(
            ToolTrace(parents[trace_id], uses[trace_id], calls[trace_id]),
            frozenset(asked_uses[trace_id]),
            frozenset(asked_calls[trace_id]),
        )
        for trace_id in trace_ids
    ]


def _trace(record: Call | Link | ToolUse) -> str:
    return record.attribution.scoped(record.trace_id)


def _costed(entry: Entry) -> CostedCall:
    call = entry.call
    fees = tuple(Fee(c.unit, c.quantity, c.cost) for c in entry.priced.charges if c.unit in PROVIDER_TOOLS)
    return CostedCall(
        identity=call.identity,
        span_id=call.span_id if call.trace_id and call.span_id else None,
        started_at_ns=call.started_at_ns,
        operation=call.operation,
        span_class=call.span_class,
        agent=call.attribution.agent,
        failed=call.failed,
        cost=entry.priced.cost,
        fees=fees if entry.priced.cost is not None else (),
    )


def _is_asked(started_at_ns: int, said: Attribution, period: Period, chosen: Iterable[Filter]) -> bool:
    by_key: dict[str, list[Filter]] = defaultdict(list)
    for one in chosen:
        by_key[one.key].append(one)
    return utc_from_ns(started_at_ns) in period and all(fits(_value(said, key), by_key[key]) for key in by_key)


def _value(said: Attribution, key: str) -> str | None:
    if key.startswith(TAG):
        return said.tags.get(key.removeprefix(TAG))
    value: str | None = getattr(said, COLUMNS[key])
    return value
