"""Anthropic's bill: the organization's analytics reports, and the classic Admin API where those are not to be had.

Source: https://docs.anthropic.com/en/api/admin-api. Amounts are text in cents: `123.78912` is $1.2378912.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from costspan.core.errors import Unreachable
from costspan.core.period import Period, iso
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import BillCell, Kind, pico_from_bill
from costspan.server.reconciliation.sources.base import (
    MAX_ATTEMPTS,
    Access,
    ApiSource,
    Fetch,
    Page,
    pages_of,
)

_PROVIDER: Final = "anthropic"
_GROUPS: Final = ["api_key_id", "workspace_id", "model", "service_tier", "speed"]
_CLASSIC: Final = {
    "usage": (
        "/v1/organizations/usage_report/messages",
        ["api_key_id", "workspace_id", "model", "service_tier", "context_window"],
    ),
    "cost": ("/v1/organizations/cost_report", ["workspace_id", "description"]),
}
_CONTRACT: Final = "contract"
"""Which of the two APIs a page came from, noted on it when it is kept."""
_TOKENS: Final = {
    "uncached_input_tokens": Unit.INPUT,
    "cache_read_input_tokens": Unit.CACHE_READ,
    "cache_creation.ephemeral_5m_input_tokens": Unit.CACHE_WRITE_5M,
    "cache_creation.ephemeral_1h_input_tokens": Unit.CACHE_WRITE_1H,
    "output_tokens": Unit.OUTPUT,
}
_TIERS: Final = {"priority_on_demand": "priority", "flex_discount": "flex"}
_FEES: Final = {"web_search": Unit.WEB_SEARCH, "code_execution": Unit.CODE_EXECUTION}


@contextmanager
def _connect(access: Access) -> Iterator[Fetch]:
    try:
        import anthropic  # noqa: PLC0415 - only who reconciles with Anthropic needs it
    except ModuleNotFoundError:
        raise Unreachable("reading Anthropic's bill needs its client: pip install 'costspan[reconcile]'") from None
    client = anthropic.Anthropic(api_key=access.key, base_url=access.base_url, max_retries=MAX_ATTEMPTS - 1, timeout=60)
    analytics = client.beta.organization.analytics
    reports: dict[str, Any] = {"usage": analytics.usage.with_raw_response, "cost": analytics.cost.with_raw_response}

    def asked(report: str, period: Period, mark: str | None) -> str:
        groups = _GROUPS if report == "usage" else [*_GROUPS, "cost_type", "token_type"]
        more = {"page": mark} if mark else {}
        answer = reports[report].list(
            starting_at=iso(period.since), ending_at=iso(period.until), group_by=groups, time_bucket_width="1d",
            limit=1000, extra_query=more,
        )  # fmt: skip
        return str(answer.http_response.text)

    def asked_classic(report: str, period: Period, mark: str | None) -> str:
        path, groups = _CLASSIC[report]
        query: dict[str, Any] = {
            "starting_at": iso(period.since), "ending_at": iso(period.until), "group_by[]": groups,
            "bucket_width": "1d", "limit": 31,
        }  # fmt: skip
        return client.get(path, cast_to=str, options={"params": query | ({"page": mark} if mark else {})})

    def fetch(report: str, period: Period) -> Iterator[Page]:
        try:
            try:
                yield from _noted("analytics", pages_of(partial(asked, report, period)))
            except (anthropic.NotFoundError, anthropic.BadRequestError):
                yield from _noted("classic", pages_of(partial(asked_classic, report, period)))
        except (anthropic.AuthenticationError, anthropic.PermissionDeniedError) as error:
            raise Unreachable(
                f"Anthropic refuses the key: reports take an admin key (sk-ant-admin...) ({error.status_code})"
            ) from None
        except anthropic.AnthropicError as error:
            status = getattr(error, "status_code", None)
            said = f"it answered {status}" if status else type(error).__name__
            raise Unreachable(f"Anthropic's {report} report could not be read: {said}") from None

    with client:
        yield fetch


def _noted(contract: str, pages: Iterator[Page]) -> Iterator[Page]:
    return ({**page, _CONTRACT: contract} for page in pages)


def _read(report: str, page: Page) -> Iterator[BillCell]:
    if page.get(_CONTRACT) == "classic":
        for bucket in page.get("data") or []:
            day = _day(bucket)
            for row in bucket.get("results") or []:
                yield from map(_committed, _usage(day, row, row)) if report == "usage" else _cost(day, row, row)
        return
    for row in page.get("data") or []:
        group = row.get("group") or {}
        if report == "usage":
            yield from _usage(_day(row), group, row.get("usage") or row)
        else:
            yield from _cost(_day(row), group, row.get("cost") or {})


def _committed(cell: BillCell) -> BillCell:
    """Return a cell of the classic usage report; the Priority Tier is paid by commitment."""
    return replace(cell, kind=Kind.APART, line_item="priority tier") if cell.mode == "priority" else cell


def _day(row: Page) -> date:
    return datetime.fromisoformat(str(row["starting_at"])).date()


def _whose(group: Page) -> dict[str, Any]:
    tier = str(group.get("service_tier") or "standard")
    mode = "fast" if group.get("speed") == "fast" else _TIERS.get(tier, tier)
    return {
        "project": group.get("workspace_id"),
        "api_key": group.get("api_key_id"),
        "model": group.get("model"),
        "mode": mode,
    }


def _usage(day: date, group: Page, used: Page) -> Iterator[BillCell]:
    whose = _whose(group)
    written = used.get("cache_creation") or {}
    for name, unit in _TOKENS.items():
        head, _, tail = name.partition(".")
        quantity = written.get(tail) if tail else used.get(head)
        if quantity:
            yield BillCell(day=day, provider=_PROVIDER, kind=Kind.USAGE, unit=unit, quantity=int(quantity), **whose)
    if used.get("requests") is not None:
        yield BillCell(day=day, provider=_PROVIDER, kind=Kind.USAGE, requests=int(used["requests"]), **whose)


def _cost(day: date, group: Page, cost: Page) -> Iterator[BillCell]:
    currency = str(cost.get("currency") or "USD").upper()
    if currency != "USD":
        raise Unreachable(f"Anthropic bills in {currency}; the ledger is in US dollars")
    cost_type = str(group.get("cost_type") or "tokens")
    token_type = group.get("token_type")
    listed = cost.get("list_amount")
    whose = _whose(group)
    unit = _TOKENS.get(str(token_type)) if token_type else None
    kind = Kind.CHARGE if cost_type == "tokens" and (unit or not token_type) else Kind.UNMAPPED
    if cost_type in _FEES or cost_type == "session_usage":
        kind, unit = Kind.FEE, _FEES.get(cost_type)
    yield BillCell(
        day=day,
        provider=_PROVIDER,
        kind=kind,
        unit=unit,
        list_amount=None if listed is None else pico_from_bill(str(listed), per_usd=100),
        billed_amount=pico_from_bill(str(cost.get("amount") or 0), per_usd=100),
        line_item=str(group.get("description") or " ".join(filter(None, (whose["model"], cost_type, token_type)))),
        **whose,
    )


ANTHROPIC: Final = ApiSource(
    provider=_PROVIDER,
    reports=("cost", "usage"),
    key_env="ANTHROPIC_ADMIN_KEY",
    url_env="ANTHROPIC_BASE_URL",
    tells_apart=frozenset(_TOKENS.values()),
    connect=_connect,
    read=_read,
)
