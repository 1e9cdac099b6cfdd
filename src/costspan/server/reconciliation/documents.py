"""The documents of `/api/v1/reconciliations`, which `costspan reconcile --json` prints too."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from costspan.core.errors import ConfigError, UsageError
from costspan.core.period import Period, iso, parse_moment, parse_period
from costspan.server.reconciliation.collect import FROM_API, FROM_FILE
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.reconciliation.sources import API_SOURCES, FILE_SOURCES
from costspan.server.reconciliation.sources.base import key_from, unpacked
from costspan.server.store.reconciliations import Reconciliation, Sheet

_SHOWN: Final = (
    "id", "made_at", "provider", "source", "since", "until", "settled_until", "state", "reasons", "limit", "billed_usd",
    "ledger_usd", "drift_usd", "net_share", "gross_share", "unexplained_share",
)  # fmt: skip


def list_document(reconciler: Reconciler, provider: str | None = None) -> dict[str, Any]:
    """Return every verdict in short, the latest first, and which providers are configured."""
    return {
        "currency": "USD",
        "reconciliations": [{key: each.document[key] for key in _SHOWN} for each in reconciler.all(provider or None)],
        "configured": [
            {"provider": each.provider, "key_env": each.key_env, "has_key": has_key(each.key_env)}
            for each in reconciler.configured
        ],
        "providers": list(API_SOURCES),
    }


def has_key(name: str | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the variable, or the file it names, has a key."""
    try:
        return name is not None and key_from(environment, name) is not None
    except ConfigError:
        return False


def month_of(text: str | None, now: datetime) -> Period:
    """Return the month `2026-10`, the last whole one where none is said. Raise UsageError for anything else."""
    if not text:
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return Period((first - timedelta(days=1)).replace(day=1), first)
    if len(text) != len("2026-10"):
        raise UsageError(f"month {text!r} is not a month such as 2026-10")
    return parse_period(text, text, now)


def marks_document(reconciler: Reconciler, provider: str, month: str | None, now: datetime) -> dict[str, Any]:
    """Return what is kept of a bill, so that only the rest is fetched."""
    marks = reconciler.sheet_marks(provider, month_of(month, now))
    return {
        "sheets": [
            {
                "source": mark.source,
                "report": mark.report,
                "since": iso(mark.period.since),
                "until": iso(mark.period.until),
                "fetched_at": iso(mark.fetched_at),
            }
            for mark in marks
        ]
    }


def put_sheet(reconciler: Reconciler, request: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Keep a part of a bill that was fetched elsewhere; `body` is base64. Raise UsageError where it is none."""
    provider, source, report = (str(request[key]) for key in ("provider", "source", "report"))
    known = API_SOURCES[provider].reports if source == FROM_API and provider in API_SOURCES else ()
    if report not in (FILE_SOURCES if source == FROM_FILE else known):
        raise UsageError(f"{provider} has no report {report!r} of source {source!r}")
    try:
        body = base64.b64decode(str(request["body"]), validate=True)
    except binascii.Error:
        raise UsageError("body is base64") from None
    since, until, fetched_at = (parse_moment(str(request[key]), now) for key in ("since", "until", "fetched_at"))
    period = Period(since, until)
    sheet = Sheet(
        provider=provider, source=source, report=report, period=period, fetched_at=min(fetched_at, now), body=body
    )
    unpacked(sheet)
    reconciler.put_sheet(sheet)
    return {"kept": True}


def judge(reconciler: Reconciler, request: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Compare what is kept of a month's bill with the ledger and return the verdict."""
    period = month_of(request.get("month"), now)
    found: Reconciliation = reconciler.judge(str(request["provider"]), period, str(request.get("source") or FROM_API))
    return found.document
