"""OpenAI's bill: the organization's cost and usage reports, through the official client.

Source: https://platform.openai.com/docs/api-reference/usage. Costs are what is owed; usage says how many requests,
in which tier, and how input divides. The two are recorded apart and may disagree, so they are never added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

from costspan.core.errors import Unreachable
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import BillCell, Kind, pico_from_bill, whole
from costspan.server.reconciliation.sources.base import (
    MAX_ATTEMPTS,
    Access,
    ApiSource,
    Fetch,
    Page,
    pages_of,
)
from costspan.server.reconciliation.sources.openai_lines import named

_PROVIDER: Final = "openai"
_WHOSE: Final = ["project_id", "api_key_id"]
_GROUPS: Final = {
    "costs": [*_WHOSE, "line_item"],
    "completions": [*_WHOSE, "model", "batch", "service_tier"],
    "embeddings": [*_WHOSE, "model"],
    "images": [*_WHOSE, "model"],
    "audio_transcriptions": [*_WHOSE, "model"],
}
_BUCKETS: Final = 31
"""Days on a page: the most a usage report gives."""
_TIERS: Final = {"default": "standard", "auto": "standard", "": "standard"}
_PER: Final = {"1000_tokens": 1000, "duration_minutes": 60, "duration_hours": 3600}
_COUNTED: Final = {
    "organization.usage.embeddings.result": (Unit.INPUT, "input_tokens"),
    "organization.usage.images.result": (Unit.IMAGE, "images"),
    "organization.usage.audio_transcriptions.result": (Unit.SECOND, "seconds"),
}


@contextmanager
def _connect(access: Access) -> Iterator[Fetch]:
    try:
        import openai  # noqa: PLC0415 - only who reconciles with OpenAI needs it
    except ModuleNotFoundError:
        raise Unreachable("reading OpenAI's bill needs its client: pip install 'costspan[reconcile]'") from None
    client = openai.OpenAI(
        admin_api_key=access.key, api_key=access.key, base_url=access.base_url, max_retries=MAX_ATTEMPTS - 1
    )
    usage = client.admin.organization.usage.with_raw_response

    def fetch(report: str, period: Period) -> Iterator[Page]:
        asked: Callable[..., Any] = getattr(usage, report)
        times = {"start_time": int(period.since.timestamp()), "end_time": int(period.until.timestamp())}

        def ask(mark: str | None) -> str:
            more = {"page": mark} if mark else {}
            try:
                answer = asked(bucket_width="1d", group_by=_GROUPS[report], limit=_BUCKETS, timeout=60, **times, **more)
            except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
                raise Unreachable(
                    "OpenAI refuses the key: reports take an admin key (sk-admin-...) with the scope api.usage.read "
                    f"({error.status_code})"
                ) from None
            except openai.OpenAIError as error:
                raise Unreachable(f"OpenAI's {report} report could not be read: {_said(error)}") from None
            return str(answer.http_response.text)

        return pages_of(ask)

    with client:
        yield fetch


def _said(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    return f"it answered {status}" if status else type(error).__name__


def _read(report: str, page: Page) -> Iterator[BillCell]:
    for bucket in page.get("data") or []:
        start = bucket.get("start_time")
        if isinstance(start, int):
            day = datetime.fromtimestamp(start, UTC).date()
            # Older pages say `result`.
            for row in bucket.get("results") or bucket.get("result") or []:
                yield from _row(report, day, row)


def _row(report: str, day: date, row: dict[str, Any]) -> Iterator[BillCell]:
    said = row.get("object")
    whose = {"project": row.get("project_id"), "api_key": row.get("api_key_id")}
    if said == "organization.costs.result":
        yield _cost(day, row, whose)
    elif said == "organization.usage.completions.result":
        yield from _completions(day, row, whose)
    elif said in _COUNTED:
        unit, name = _COUNTED[said]
        cell: dict[str, Any] = {"model": row.get("model"), "mode": "standard", **whose}
        yield _used(day, cell, unit, whole(row.get(name)) or 0)
        yield _requests(day, cell, row)
    else:
        # A kind of row that came later than this version: shown, since nobody knows what it would mean.
        yield BillCell(day=day, provider=_PROVIDER, kind=Kind.UNMAPPED, line_item=f"{report}: {said}", billed_amount=0)


def _cost(day: date, row: dict[str, Any], whose: dict[str, Any]) -> BillCell:
    amount = row.get("amount") or {}
    currency = str(amount.get("currency") or "usd").lower()
    if currency != "usd":
        raise Unreachable(f"OpenAI bills in {currency}; the ledger is in US dollars")
    line_item = str(row.get("line_item") or "")
    found = named(line_item)
    quantity = row.get("quantity")
    return BillCell(
        day=day,
        provider=_PROVIDER,
        kind=found.kind,
        model=found.model,
        mode=found.mode,
        unit=found.unit,
        quantity=None
        if quantity is None or row.get("quantity_unit") is None
        else (whole(str(quantity)) or 0) * _PER.get(str(row["quantity_unit"]), 1),
        billed_amount=pico_from_bill(str(amount.get("value") or 0)),
        line_item=line_item,
        **whose,
    )


def _completions(day: date, row: dict[str, Any], whose: dict[str, Any]) -> Iterator[BillCell]:
    tier = str(row.get("service_tier") or "")
    mode = "batch" if row.get("batch") else _TIERS.get(tier, tier)
    cell: dict[str, Any] = {"model": row.get("model"), "mode": mode, **whose}
    for unit, quantity in completion_quantities(row).items():
        if quantity:
            yield _used(day, cell, unit, quantity)
    yield _requests(day, cell, row)


def completion_quantities(row: dict[str, Any]) -> dict[Unit, int]:
    """Return a row of the completions report as disjoint units. Its input includes cached and written tokens.

    Where the parts say more than the whole, the whole is what the parts say.
    """

    def count(name: str) -> int:
        return int(row.get(name) or 0)

    cached, cached_audio = count("input_cached_tokens"), count("input_cached_audio_tokens")
    long = count("input_cache_write_12h_tokens")
    written = max(count("input_cache_write_tokens"), count("input_cache_write_30m_tokens") + long)
    audio, image = count("input_audio_tokens"), count("input_image_tokens")
    audio_out, image_out = count("output_audio_tokens"), count("output_image_tokens")
    return {
        Unit.INPUT: max(0, count("input_tokens") - cached - written - audio - image),
        Unit.CACHE_READ: max(0, cached - cached_audio),
        Unit.CACHE_READ_AUDIO: cached_audio,
        Unit.CACHE_WRITE_30M: written - long,
        Unit.CACHE_WRITE_12H: long,
        Unit.INPUT_AUDIO: audio,
        Unit.INPUT_IMAGE: image,
        Unit.OUTPUT: max(0, count("output_tokens") - audio_out - image_out),
        Unit.OUTPUT_AUDIO: audio_out,
        Unit.OUTPUT_IMAGE: image_out,
    }


def _used(day: date, cell: dict[str, Any], unit: Unit, quantity: int) -> BillCell:
    return BillCell(day=day, provider=_PROVIDER, kind=Kind.USAGE, unit=unit, quantity=quantity, **cell)


def _requests(day: date, cell: dict[str, Any], row: dict[str, Any]) -> BillCell:
    count = int(row.get("num_model_requests") or 0)
    return BillCell(day=day, provider=_PROVIDER, kind=Kind.USAGE, requests=count, **cell)


OPENAI: Final = ApiSource(
    provider=_PROVIDER,
    reports=tuple(_GROUPS),
    key_env="OPENAI_ADMIN_KEY",
    url_env="OPENAI_BASE_URL",
    tells_apart=frozenset(
        {
            Unit.INPUT,
            Unit.CACHE_READ,
            Unit.CACHE_READ_AUDIO,
            Unit.CACHE_WRITE_30M,
            Unit.CACHE_WRITE_12H,
            Unit.INPUT_AUDIO,
            Unit.INPUT_IMAGE,
            Unit.OUTPUT,
            Unit.OUTPUT_AUDIO,
            Unit.OUTPUT_IMAGE,
        }
    ),
    connect=_connect,
    read=_read,
)
