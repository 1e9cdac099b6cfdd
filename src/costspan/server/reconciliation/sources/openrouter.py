"""OpenRouter's bill: activity by day and model, one request a day of it.

Source: https://openrouter.ai/docs/api-reference/analytics/get-user-activity. It tells of the last 30 complete days.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, Final

from costspan.core.errors import Unreachable
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import BillCell, Kind, pico_from_bill
from costspan.server.reconciliation.sources.base import MAX_ATTEMPTS, Access, ApiSource, Fetch, Page, read_json

_PROVIDER: Final = "openrouter"
_URL: Final = "https://openrouter.ai/api/v1"
_LATER: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_PAUSE_S: Final = 60.0


@contextmanager
def _connect(access: Access) -> Iterator[Fetch]:
    try:
        import httpx2  # noqa: PLC0415 - only who reconciles with OpenRouter needs it
    except ModuleNotFoundError:
        raise Unreachable("reading OpenRouter's bill needs a package: pip install 'costspan[reconcile]'") from None
    client = httpx2.Client(
        base_url=access.base_url or _URL, headers={"Authorization": f"Bearer {access.key}"}, timeout=60
    )

    def ask(day: date) -> str:
        for attempt in range(MAX_ATTEMPTS):
            try:
                answer = client.get("/activity", params={"date": day.isoformat()})
            except httpx2.HTTPError as error:
                raise Unreachable(f"OpenRouter does not answer: {type(error).__name__}") from None
            if answer.status_code in (401, 403):
                raise Unreachable(f"OpenRouter refuses the key: activity takes a management key ({answer.status_code})")
            if answer.status_code not in _LATER or attempt == MAX_ATTEMPTS - 1:
                break
            threading.Event().wait(_pause_s(answer.headers.get("retry-after"), attempt))
        if answer.status_code != 200:
            raise Unreachable(f"OpenRouter's activity could not be read: it answered {answer.status_code}")
        return str(answer.text)

    def fetch(report: str, period: Period) -> Iterator[Page]:
        del report
        for number in range((period.until - period.since).days):
            yield read_json(ask((period.since + timedelta(days=number)).date()))

    with client:
        yield fetch


def _pause_s(asked: str | None, attempt: int) -> float:
    try:
        return min(_LONGEST_PAUSE_S, max(0.0, float(asked or "")))
    except ValueError:
        return float(min(_LONGEST_PAUSE_S, 2**attempt))


def _read(report: str, page: Page) -> Iterator[BillCell]:
    del report
    for row in page.get("data") or []:
        yield from _row(row)


def _row(row: dict[str, Any]) -> Iterator[BillCell]:
    day = date.fromisoformat(str(row["date"])[:10])
    cell: dict[str, Any] = {
        "day": day, "provider": _PROVIDER, "model": row.get("model"), "project": row.get("workspace_id"),
    }  # fmt: skip
    cached = int(row.get("cached_tokens") or 0)
    quantities = {
        Unit.INPUT: int(row.get("prompt_tokens") or 0) - cached,
        Unit.CACHE_READ: cached,
        Unit.OUTPUT: int(row.get("completion_tokens") or 0),
    }
    for unit, quantity in quantities.items():
        if quantity > 0:
            yield BillCell(kind=Kind.USAGE, unit=unit, quantity=quantity, **cell)
    yield BillCell(kind=Kind.USAGE, requests=int(row.get("requests") or 0), **cell)
    yield BillCell(
        kind=Kind.CHARGE,
        billed_amount=pico_from_bill(str(row.get("usage") or 0)),
        line_item=str(row.get("model")),
        **cell,
    )
    if elsewhere := pico_from_bill(str(row.get("byok_usage_inference") or 0)):
        # Paid to the provider behind OpenRouter, with one's own key.
        yield BillCell(kind=Kind.APART, billed_amount=elsewhere, line_item="paid with your own keys", **cell)


OPENROUTER: Final = ApiSource(
    provider=_PROVIDER,
    reports=("activity",),
    key_env="OPENROUTER_MANAGEMENT_KEY",
    url_env="OPENROUTER_BASE_URL",
    tells_apart=frozenset({Unit.INPUT, Unit.CACHE_READ, Unit.OUTPUT}),
    connect=_connect,
    read=_read,
)
