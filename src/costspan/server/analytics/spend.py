"""The spend document: parameters in, question asked, document out (interfaces, section 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import iso, parse_period
from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import (
    ERRORS,
    MEASURES,
    ORDERS,
    QUANTILES,
    Filter,
    Interval,
    Spend,
    SpendAnswer,
    SpendQuestion,
    known_key,
)

_MONEY: Final = (
    "cost",
    "list_cost",
    "duplicate_cost",
    "input_cost",
    "cache_read_cost",
    "cache_write_cost",
    "output_cost",
    "fee_cost",
    "cache_savings",
    "estimated_cost",
)
_INTERNAL: Final = ("unpriced_tokens", "sampling_unknown_calls")
MEASURED: Final = {
    name: f"{name}_usd" if name in _MONEY + ERRORS else name for name in MEASURES if name not in _INTERNAL
}
"""Measure -> its name in a document."""
PARAMETERS: Final = ("group_by", "since", "until", "interval", "tz", "filter", "order", "limit", "measures")


def parse_question(
    parameters: Sequence[tuple[str, str]], now: datetime, known: Sequence[str] = PARAMETERS
) -> SpendQuestion:
    """Return the question a query string asks. Raise UsageError, naming what is accepted, where it makes no sense."""
    unknown = [name for name, _ in parameters if name not in known]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(known)}")
    given = dict(parameters)
    order, ascending = _order(given.get("order", "-cost_usd"))
    return SpendQuestion(
        period=parse_period(given.get("since"), given.get("until"), now),
        group_by=tuple(
            dict.fromkeys(known_key(key.strip()) for key in given.get("group_by", "").split(",") if key.strip())
        ),
        interval=_interval(given.get("interval", Interval.TOTAL)),
        zone=Zone(given.get("tz", ZONE_UTC.name)),
        filters=tuple(parse_filter(value) for name, value in parameters if name == "filter"),
        order=order,
        ascending=ascending,
        limit=_limit(given.get("limit")),
        measures=_measures_of(given.get("measures")),
    )


def spend_document(reader: LedgerReader, question: SpendQuestion) -> dict[str, Any]:
    """Return the answer to `question` as the document `/api/v1/spend` sends and `report --json` prints."""
    answer = reader.spend(question)
    known = completeness(answer.total) | {"keys_since": iso(answer.keys_since) if answer.keys_since else None}
    return {
        "currency": "USD",
        **answer_document(question, answer, lambda spend: _measures(spend, question.measures)),
        "completeness": known,
    }


def answer_document(
    question: SpendQuestion, answer: SpendAnswer, measures: Callable[[Spend], dict[str, Any]]
) -> dict[str, Any]:
    """Return what was asked, each row and the total, with the `measures` of each."""
    rows = []
    for row in answer.rows:
        document: dict[str, Any] = dict(zip(question.group_by, row.key, strict=True))
        if row.start is not None:
            document["start"] = iso(row.start)
        rows.append(document | measures(row.spend))
    return {
        "since": iso(question.period.since),
        "until": iso(question.period.until),
        "interval": question.interval.value,
        "tz": question.zone.name,
        "group_by": list(question.group_by),
        "rows": rows,
        "total": measures(answer.total),
    }


def _measures(spend: Spend, asked: Sequence[str]) -> dict[str, Any]:
    return {documented: _said(name, getattr(spend, name)) for name, documented in MEASURED.items() if name in asked}


def _said(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _MONEY:
        return usd_text(value)
    if name in ERRORS:
        return _six_digits(value)
    return quantiles_document(value) if name in QUANTILES else value


def quantiles_document(found: tuple[float, float, float] | None) -> dict[str, float] | None:
    """Return p50, p95 and p99 as documents hold them; None where they are unknown."""
    return None if found is None else dict(zip(("p50", "p95", "p99"), found, strict=True))


def _six_digits(pico: float) -> str:
    """Return an uncertain amount as plain decimal text of six significant digits."""
    rounded = Decimal(f"{pico:.5e}").scaleb(-12)
    return f"{rounded.normalize():f}"


def completeness(total: Spend) -> dict[str, Any]:
    """Return what a total leaves out, as every document says it."""
    succeeded = total.billed_calls + total.unpriced_calls
    return {
        "priced_calls": total.billed_calls,
        "unpriced_calls": total.unpriced_calls,
        "unpriced_tokens": total.unpriced_tokens,
        "sampling_unknown_calls": total.sampling_unknown_calls,
        "share_priced": total.billed_calls / succeeded if succeeded else None,
    }


def _order(text: str) -> tuple[str, bool]:
    name = text.removeprefix("-").removesuffix("_usd")
    if name not in ORDERS:
        raise UsageError(f"cannot order by {text!r}; known: {', '.join(ORDERS)}, with - for the largest first")
    return name, not text.startswith("-")


def _interval(text: str) -> Interval:
    try:
        return Interval(text)
    except ValueError:
        raise UsageError(f"unknown interval {text!r}; known: {', '.join(Interval)}") from None


def _measures_of(text: str | None) -> tuple[str, ...]:
    if text is None:
        return MEASURES
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in MEASURED.values()]:
        raise UsageError(f"unknown measure {unknown[0]!r}; known: {', '.join(MEASURED.values())}")
    return tuple(name for name, documented in MEASURED.items() if documented in names)


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 6 or int(text) < 1:
        raise UsageError(f"limit {text[:20]!r} is not a whole number from 1 to 999999")
    return int(text)


def parse_filter(text: str) -> Filter:
    """Return the filter `key:value` says. Raise UsageError, naming what is accepted, for anything else."""
    key, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"filter {text!r} is not key:value (key:!value excludes, key: is not set)")
    excludes = value.startswith("!")
    return Filter(known_key(key), value.removeprefix("!") or None, excludes)
