"""The anomalies document: parameters in, anomalies found, document out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import Period, iso, parse_period
from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.anomaly.explain import Explanation, explain
from costspan.server.analytics.anomaly.finder import Finder
from costspan.server.analytics.anomaly.findings import Anomaly
from costspan.server.analytics.anomaly.history import Asked
from costspan.server.analytics.anomaly.limits import DEFAULT_SENSITIVITY, Sensitivity
from costspan.server.analytics.anomaly.words import cause, figures, reasons
from costspan.server.analytics.spend import parse_filter
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter, known_key

PARAMETERS: Final = ("since", "until", "group_by", "tz", "filter", "sensitivity", "explain", "limit")
LONGEST: Final = timedelta(days=92)
MOST_EXPLAINED: Final = 20
_DEFAULT_AGE: Final = "7d"
_DEFAULT_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class AnomalyQuestion:
    """Which anomalies are asked for, and when. `explained` of them, the latest, are told with their drivers."""

    asked_at: datetime
    period: Period
    group_by: tuple[str, ...]
    filters: tuple[Filter, ...]
    sensitivity: Sensitivity
    zone: Zone
    explained: int
    limit: int


def parse_anomaly_question(parameters: Sequence[tuple[str, str]], now: datetime) -> AnomalyQuestion:
    """Return the question a query string asks. Raise UsageError, naming what is accepted, where it makes no sense."""
    unknown = [name for name, _ in parameters if name not in PARAMETERS]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(PARAMETERS)}")
    given = dict(parameters)
    period = parse_period(given.get("since"), given.get("until"), now, _DEFAULT_AGE)
    period = Period(period.since, max(period.since, min(period.until, now)))
    if period.until - period.since > LONGEST:
        raise UsageError(f"anomalies are looked for in at most {LONGEST.days} days; shorten since and until")
    keys = [known_key(key.strip()) for key in given.get("group_by", "feature").split(",") if key.strip()]
    return AnomalyQuestion(
        asked_at=now,
        period=period,
        group_by=tuple(dict.fromkeys(keys)),
        filters=tuple(parse_filter(value) for name, value in parameters if name == "filter"),
        sensitivity=_sensitivity(given.get("sensitivity")),
        zone=Zone(given.get("tz", ZONE_UTC.name)),
        explained=_explained(given.get("explain", "false")),
        limit=_limit(given.get("limit")),
    )


def anomalies_document(finder: Finder, reader: LedgerReader, question: AnomalyQuestion) -> dict[str, Any]:
    """Return the answer to `question` as the document `/api/v1/anomalies` sends and `anomalies --json` prints."""
    asked = Asked(reader, question.group_by, question.filters, question.zone)
    found = finder.find(asked, question.period, question.sensitivity, question.asked_at)
    return {
        "since": iso(question.period.since),
        "until": iso(question.period.until),
        "as_of": iso(found.as_of),
        "tz": question.zone.name,
        "currency": "USD",
        "group_by": list(question.group_by),
        "sensitivity": question.sensitivity.value,
        "anomalies": [
            anomaly_document(each, question, _why(reader, each, question) if place < question.explained else None)
            for place, each in enumerate(found.anomalies[: question.limit])
        ],
    }


def group_filters(group_by: Sequence[str], key: Sequence[str | None]) -> tuple[Filter, ...]:
    """Return what keeps the calls of one group."""
    return tuple(Filter(name, value) for name, value in zip(group_by, key, strict=True))


def anomaly_document(anomaly: Anomaly, question: AnomalyQuestion, why: Explanation | None) -> dict[str, Any]:
    """Return one anomaly; `why` null where it was not asked for."""
    filters = (*question.filters, *group_filters(question.group_by, anomaly.key))
    return {
        "group": dict(zip(question.group_by, anomaly.key, strict=True)),
        "channel": anomaly.channel,
        "cause": cause(anomaly, why),
        "text": figures(anomaly),
        "first_alarm_at": iso(anomaly.since),
        "last_alarm_at": iso(anomaly.until),
        "ongoing": question.period.until - anomaly.until < timedelta(minutes=10),
        "window": {"since": iso(anomaly.window.since), "until": iso(anomaly.window.until)},
        "expected_usd": _six_digits(anomaly.expected_usd),
        "observed_usd": _six_digits(anomaly.observed_usd),
        "ratio": round(anomaly.ratio, 3) if anomaly.channel != "new_group" else None,
        "score": round(anomaly.score, 3),
        "why": None if why is None else _why_document(why),
        "links": links(anomaly.window, filters),
    }


def links(window: Period, filters: Sequence[Filter]) -> dict[str, str]:
    """Return where the calls of a window are shown: a path of the dashboard, and one of the API."""
    told = [(each.key, f"{'!' if each.excludes else ''}{each.value or ''}") for each in filters]
    since, until = iso(window.since), iso(window.until)
    page = [("from", since), ("to", until), *((f"f.{key}", value) for key, value in told)]
    api = [("since", since), ("until", until), *(("filter", f"{key}:{value}") for key, value in told)]
    return {
        "dashboard": f"calls?{urlencode(page, safe=':')}",
        "calls": f"/api/v1/calls?{urlencode(api, safe=':')}",
    }


def _why(reader: LedgerReader, anomaly: Anomaly, question: AnomalyQuestion) -> Explanation:
    filters = (*question.filters, *group_filters(question.group_by, anomaly.key))
    return explain(reader, anomaly.window, filters, question.group_by)


def _why_document(why: Explanation) -> dict[str, Any]:
    return {
        "observed_usd": usd_text(why.observed),
        "usual_usd": usd_text(why.usual),
        "change_usd": usd_text(why.observed - why.usual),
        "compared_with": [{"since": iso(each.since), "until": iso(each.until)} for each in why.compared_with],
        "drivers": {f"{part}_usd": usd_text(amount) for part, amount in why.parts.items()},
        "behind": [{"key": each.key, "value": each.value, "change_usd": usd_text(each.change)} for each in why.behind],
        "reasons": reasons(why),
    }


def _six_digits(usd: float) -> str:
    """Return an estimated amount as plain decimal text of six significant digits."""
    return f"{Decimal(f'{usd:.5e}').normalize():f}"


def _sensitivity(text: str | None) -> Sensitivity:
    try:
        return Sensitivity(DEFAULT_SENSITIVITY if text is None else float(text))
    except ValueError:
        raise UsageError(f"sensitivity {text!r} is not a number such as 3") from None


def _explained(text: str) -> int:
    if text not in ("true", "false"):
        raise UsageError(f"explain {text!r} is not true or false")
    return MOST_EXPLAINED if text == "true" else 0


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_LIMIT
    if not text.isdecimal() or not 1 <= int(text) <= 1_000:
        raise UsageError(f"limit {text[:20]!r} is not a whole number from 1 to 1000")
    return int(text)
