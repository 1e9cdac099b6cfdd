"""The tools document: what each tool cost, in three parts that add up; how often it ran and failed, and how long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from costspan.core.clock import utc_from_ns
from costspan.core.money import usd_text
from costspan.core.period import iso
from costspan.core.tool import ToolUse
from costspan.semconv.settlement.tools import Part, Share, tool_shares
from costspan.server.analytics.spend import parse_question
from costspan.server.store.ports import LedgerReader
from costspan.server.store.quantiles import quantiles_ms
from costspan.server.store.question import Filter, bucket_start
from costspan.server.store.tools import AskedTrace, ToolQuestion, fits, known_tool_key

PARAMETERS: Final = ("since", "until", "interval", "tz", "filter")
RowKey = tuple[datetime | None, str]


def parse_tool_question(parameters: Sequence[tuple[str, str]], now: datetime) -> ToolQuestion:
    """Return the question a query string asks. Raise UsageError, naming what is accepted, where it makes no sense."""
    asked = parse_question(parameters, now, PARAMETERS)
    for chosen in asked.filters:
        known_tool_key(chosen.key)
    return ToolQuestion(asked.period, asked.interval, asked.zone, asked.filters)


@dataclass(slots=True)
class _Row:
    """What is gathered of one tool, or of all."""

    uses: list[ToolUse] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        parts = {part: _sum(share.amount for share in self.shares if share.part is part) for part in Part}
        cost = _sum(parts.values())
        charged = sum(share.quantity for share in self.shares)
        calls, errors = len(self.uses) + charged, sum(use.error_type is not None for use in self.uses)
        quantiles = quantiles_ms(use.ended_at_ns - use.started_at_ns for use in self.uses)
        return {
            "calls": calls,
            "charged_calls": charged,
            "errors": errors,
            "error_rate": errors / len(self.uses) if self.uses else None,
            "cost_usd": _usd(cost),
            "fees_usd": _usd(parts[Part.FEE]),
            "inside_usd": _usd(parts[Part.INSIDE]),
            "follow_up_usd": _usd(parts[Part.FOLLOW_UP]),
            "cost_per_call_usd": None if cost is None or not calls else _usd(_nearest(cost, calls)),
            "follow_up_calls": len({share.call.identity for share in self.shares if share.part is Part.FOLLOW_UP}),
            "latency_ms": None if quantiles is None else dict(zip(("p50", "p95", "p99"), quantiles, strict=True)),
        }


def tools_document(reader: LedgerReader, question: ToolQuestion) -> dict[str, Any]:
    """Return the answer to `question` as the document `/api/v1/tools` sends.

    Worked out anew from the traces as they stand, so a late record or a new price needs no correction here.
    """
    rows: dict[RowKey, _Row] = defaultdict(_Row)
    total = _Row()
    for asked in reader.tool_traces(question):
        _gather(asked, question, rows, total)
    ranked = sorted(rows.items(), key=_rank)
    return {
        "since": iso(question.period.since),
        "until": iso(question.period.until),
        "interval": question.interval.value,
        "tz": question.zone.name,
        "currency": "USD",
        "rows": [_labelled(start, tool) | row.document() for (start, tool), row in ranked],
        "total": total.document(),
        "completeness": _completeness(total),
    }


def _gather(asked: AskedTrace, question: ToolQuestion, rows: dict[RowKey, _Row], total: _Row) -> None:
    for use in asked.trace.uses:
        if use.identity in asked.uses:
            for row in (rows[_bucket(use.started_at_ns, question), use.name], total):
                row.uses.append(use)
    of_tool = [chosen for chosen in question.filters if chosen.key == "tool"]
    for share in tool_shares(asked.trace):
        if _is_asked(share, asked, of_tool):
            started_at_ns = (share.use or share.call).started_at_ns
            for row in (rows[_bucket(started_at_ns, question), share.tool], total):
                row.shares.append(share)


def _is_asked(share: Share, asked: AskedTrace, of_tool: Sequence[Filter]) -> bool:
    if share.use is not None:
        return share.use.identity in asked.uses
    return share.call.identity in asked.calls and fits(share.tool, of_tool)


def _completeness(total: _Row) -> dict[str, int]:
    followed = {share.use.identity for share in total.shares if share.use and share.part is Part.FOLLOW_UP}
    unpriced = {share.call.identity for share in total.shares if share.amount is None and not share.call.failed}
    return {
        "follow_up_unknown_calls": sum(use.identity not in followed for use in total.uses),
        "unpriced_calls": len(unpriced),
    }


def _rank(item: tuple[RowKey, _Row]) -> tuple[str, bool, int, str]:
    (start, tool), row = item
    cost = _sum(share.amount for share in row.shares)
    return iso(start) if start else "", cost is None, -(cost or 0), tool


def _labelled(start: datetime | None, tool: str) -> dict[str, Any]:
    return {"tool": tool} if start is None else {"tool": tool, "start": iso(start)}


def _bucket(moment_ns: int, question: ToolQuestion) -> datetime | None:
    return bucket_start(utc_from_ns(moment_ns), question.interval, question.zone)


def _sum(amounts: Iterable[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _nearest(amount: int, count: int) -> int:
    return int((Decimal(amount) / count).to_integral_value(ROUND_HALF_EVEN))


def _usd(amount: int | None) -> str | None:
    return None if amount is None else usd_text(amount)
