"""Who grew, and why: what each group spent beside the period before, and what drove the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import Period, iso, parse_period
from costspan.server.analytics.anomaly.explain import Explanation, explain
from costspan.server.analytics.anomaly.words import reasons
from costspan.server.analytics.spend import completeness, parse_filter
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import SUMS, Filter, Spend, SpendQuestion, known_key

PARAMETERS: Final = ("group_by", "since", "until", "filter", "limit")
_DEFAULT_LIMIT: Final = 5
_MOST: Final = 20
Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class GrowthQuestion:
    """The groups that grew most, in dollars, from the period before `period` to it."""

    period: Period
    group_by: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    limit: int = _DEFAULT_LIMIT


def parse_growth(parameters: Sequence[tuple[str, str]], now: datetime) -> GrowthQuestion:
    """Return what a query string asks. Raise UsageError, naming what is accepted, where it makes no sense."""
    unknown = [name for name, _ in parameters if name not in PARAMETERS]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(PARAMETERS)}")
    given = dict(parameters)
    limit = given.get("limit", str(_DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdecimal()) or len(limit) > 2 or not 1 <= int(limit) <= _MOST:
        raise UsageError(f"limit {limit[:20]!r} is not a whole number from 1 to {_MOST}")
    keys = (key.strip() for key in given.get("group_by", "feature").split(","))
    period = parse_period(given.get("since"), given.get("until"), now, default_age="7d")
    try:
        period.before()
    except OverflowError:
        raise UsageError("the period before this one would begin before the year 1") from None
    return GrowthQuestion(
        period=period,
        group_by=tuple(dict.fromkeys(known_key(key) for key in keys if key)),
        filters=tuple(parse_filter(value) for name, value in parameters if name == "filter"),
        limit=int(limit),
    )


def growth_document(reader: LedgerReader, question: GrowthQuestion) -> dict[str, Any]:
    """Return the answer as `/api/v1/growth` sends it: the groups that grew most first, each with its drivers."""
    period, before = question.period, question.period.before()
    now_total, now = _costs(reader, question, period)
    _, earlier = _costs(reader, question, before)
    changes = {key: now.get(key, 0) - earlier.get(key, 0) for key in {**now, **earlier}}
    ranked = sorted(changes, key=lambda key: (-changes[key], str(key)))[: question.limit]
    return {
        "since": iso(period.since),
        "until": iso(period.until),
        "compared_with": {"since": iso(before.since), "until": iso(before.until)},
        "currency": "USD",
        "group_by": list(question.group_by),
        "rows": [
            dict(zip(question.group_by, key, strict=True)) | _explained(_why(reader, question, key)) for key in ranked
        ],
        "total": _explained(explain(reader, period, question.filters, (), before)),
        "completeness": completeness(now_total) | {"keys_since": None},
    }


def _costs(reader: LedgerReader, question: GrowthQuestion, period: Period) -> tuple[Spend, dict[Key, int]]:
    answer = reader.spend(SpendQuestion(period, question.group_by, filters=question.filters, measures=SUMS))
    return answer.total, {row.key: row.spend.cost or 0 for row in answer.rows}


def _why(reader: LedgerReader, question: GrowthQuestion, key: Key) -> Explanation:
    own = tuple(Filter(name, value) for name, value in zip(question.group_by, key, strict=True))
    asked = {each.key for each in own}
    # A filter on a key of the group is held by the group itself; beside it, it would be an alternative.
    others = tuple(each for each in question.filters if each.key not in asked)
    return explain(reader, question.period, (*others, *own), question.group_by, question.period.before())


def _explained(why: Explanation) -> dict[str, Any]:
    change = why.observed - why.usual
    return {
        "cost_usd": usd_text(why.observed),
        "before_usd": usd_text(why.usual),
        "change_usd": usd_text(change),
        "change_share": change / why.usual if why.usual else None,
        "drivers": {f"{part}_usd": usd_text(amount) for part, amount in why.parts.items()},
        "behind": [{"key": each.key, "value": each.value, "change_usd": usd_text(each.change)} for each in why.behind],
        "reasons": reasons(why),
    }
