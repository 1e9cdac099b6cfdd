"""The forecast document: parameters in, what a period will come to out, as a range and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from costspan.core.budget import BudgetPeriod
from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import iso
from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.outlook import Outlook
from costspan.server.analytics.spend import completeness, parse_filter
from costspan.server.analytics.spend_ahead import Ahead, Ask, Span, look_ahead
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import known_key

PARAMETERS: Final = ("period", "tz", "group_by", "filter", "limit")
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100


def parse_forecast(parameters: Sequence[tuple[str, str]], now: datetime) -> Ask:
    """Return what a query string asks. Raise UsageError, naming what is accepted, where it makes no sense."""
    unknown = [name for name, _ in parameters if name not in PARAMETERS]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(PARAMETERS)}")
    given = dict(parameters)
    limit = given.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdecimal()) or len(limit) > 3 or not 1 <= int(limit) <= MAX_LIMIT:
        raise UsageError(f"limit {limit[:20]!r} is not a whole number from 1 to {MAX_LIMIT}")
    keys = (key.strip() for key in given.get("group_by", "").split(","))
    return Ask(
        period=BudgetPeriod(given.get("period", "month")),
        now=now,
        zone=Zone(given.get("tz", ZONE_UTC.name)),
        filters=tuple(parse_filter(value) for name, value in parameters if name == "filter"),
        group_by=tuple(dict.fromkeys(known_key(key) for key in keys if key)),
        limit=int(limit),
    )


def forecast_document(reader: LedgerReader, ask: Ask) -> dict[str, Any]:
    """Return the answer as `/api/v1/forecast` sends it."""
    span, total, rows = look_ahead(reader, ask)
    return {
        "now": iso(ask.now),
        "since": iso(span.since),
        "until": iso(span.until),
        "period": ask.period.word,
        "tz": ask.zone.name,
        "currency": "USD",
        "group_by": list(ask.group_by),
        "rows": [dict(zip(ask.group_by, row.key, strict=True)) | group_document(row) for row in rows],
        "total": group_document(total) | {"days": days_document(span, total)},
        "completeness": completeness(total.total) | {"keys_since": None},
    }


def group_document(ahead: Ahead) -> dict[str, Any]:
    """Return what one group has spent, and what it is expected to come to."""
    found = ahead.outlook
    return {
        "calls": ahead.total.calls,
        "unpriced_calls": ahead.total.unpriced_calls + ahead.total.partial_calls,
        "spent_usd": usd_text(ahead.spent),
        "forecast_usd": quantiles(ahead),
        "trend_per_day": round(found.trend, 5) if found else None,
        "explanation": explanation(ahead),
    }


def days_document(span: Span, ahead: Ahead) -> list[dict[str, Any]]:
    """Return the line of a burn-down chart: each local day with what is spent by its end, known or expected."""
    days: dict[datetime, dict[str, Any]] = {}
    added = 0
    for start, amount in sorted(ahead.daily.items()):
        added += amount
        days[start] = {"day": iso(start), "spent_usd": usd_text(added), "forecast_usd": None}
    for place, start in enumerate((span.today, *span.ahead[:-1]) if ahead.outlook else ()):
        day = days.setdefault(start, {"day": iso(start), "spent_usd": None})
        day["forecast_usd"] = quantiles(ahead, place)
    return list(days.values())


def quantiles(ahead: Ahead, place: int = -1) -> dict[str, str] | None:
    """Return P10, P50 and P90 of what is spent by the end of a day ahead, the last one unless said; None if unknown."""
    found = ahead.outlook
    if found is None:
        return None
    said = {"p10": found.low, "p50": found.middle, "p90": found.high}
    return {name: estimate_text(ahead.spent + amounts[place]) for name, amounts in said.items()}


def estimate_text(pico: float) -> str:
    """Return an uncertain amount as plain decimal text of four significant digits, and no finer than a pico-dollar."""
    return f"{Decimal(f'{max(pico, 0):.3e}').quantize(Decimal(1)).scaleb(-12).normalize():f}"


def explanation(ahead: Ahead) -> str:
    """Return in words what the forecast adds up, or why there is none."""
    found = ahead.outlook
    if found is None:
        return f"no forecast: {ahead.silence}"
    parts = [f"${short(ahead.spent)} spent", *_parts(found)]
    return f"{' + '.join(parts)}, trend {found.trend * 100:+.1f} %/day"


def _parts(found: Outlook) -> Iterator[str]:
    yield f"${short(found.rest_of_today)} for the rest of today"
    for kind, one, many in ((found.weekdays, "weekday", "weekdays"), (found.weekend, "weekend day", "weekend days")):
        if kind.days:
            yield f"{kind.days} {one if kind.days == 1 else many} at ${short(kind.each)}"


def short(pico: float) -> str:
    """Return an amount as a person reads it: whole dollars from 100 on, else at least two digits that tell."""
    amount = Decimal(f"{pico:.6e}").scaleb(-12)
    size = abs(amount)
    places = 0 if size >= 100 or not size else 2 if size >= 1 else 1 - size.adjusted()
    return f"{round(amount, places):,f}"
