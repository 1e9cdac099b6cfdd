"""The shapes of the answers about prices: the catalogue in use, what it lacks, re-pricing."""

from __future__ import annotations

from pydantic import BaseModel

from costspan.server.web.api.documents import Usd


class RateRow(BaseModel):
    """One rate. `prices` are decimal text for `per` units, several where they depend on the size of the input."""

    provider: str
    model: str
    mode: str
    valid_from: str | None
    valid_to: str | None
    over_input_tokens: list[int]
    prices: dict[str, list[str]]
    per: dict[str, int]
    from_model: str | None
    layer: str
    basis: str
    source: str
    checked: str
    reason: str | None


class RatesDocument(BaseModel):
    """The rates in use, by provider and layer; a later layer wins."""

    version: str
    rates: list[RateRow]


class PriceChange(BaseModel):
    """What changes: `difference_usd` is by how much the ledger's known total moves."""

    calls: int
    old_cost_usd: Usd
    new_cost_usd: Usd
    difference_usd: str
    newly_priced_calls: int
    newly_unpriced_calls: int
    uncounted_entries: int


class PriceChangeRow(PriceChange):
    """The change of one model (under its new name) in one month."""

    month: str
    model: str | None


class RunDocument(BaseModel):
    """One re-pricing: applying, applied, undoing or undone. The two in -ing may have been cut off."""

    run_id: str
    state: str
    card_version: str
    scope: dict[str, object]
    started_at: str
    finished_at: str | None
    corrected_entries: int
    standing_entries: int
    restored_entries: int
    difference_usd: str


class RepriceDocument(BaseModel):
    """The answer of `POST /api/v1/reprice`: the plan for dry-run, apply and resume, what was restored for undo."""

    action: str
    card_version: str | None = None
    currency: str | None = None
    examined_entries: int | None = None
    changed_entries: int | None = None
    rows: list[PriceChangeRow] | None = None
    total: PriceChange | None = None
    run: RunDocument | None = None
    corrected_entries: int | None = None
    restored_entries: int | None = None
    left_entries: int | None = None


class MapRequest(BaseModel):
    """`model` as sent, `to` as provider/model; `provider` where the calls do not name exactly one."""

    model: str
    to: str
    provider: str | None = None


class MapDocument(RepriceDocument):
    """What was written to which file, and what it changed."""

    file: str
    overlay: dict[str, str]


class UnpricedRow(BaseModel):
    """Calls that succeeded without a full price, by model and provider as sent; `nearest` are provider/model."""

    model: str | None
    provider: str | None
    price_status: str
    reason: str | None
    calls: int
    tokens: int
    first_seen: str
    last_seen: str
    nearest: list[str]


class UnpricedDocument(BaseModel):
    """The busiest model first."""

    card_version: str
    models: list[UnpricedRow]


class RepriceRequest(BaseModel):
    """What to do: `action` is dry-run, apply, resume or undo; the latter two need `run_id`."""

    action: str
    since: str | None = None
    until: str | None = None
    where: list[str] | None = None
    run_id: str | None = None


class RepriceProgress(BaseModel):
    """How far the run under way has come."""

    run_id: str
    done_entries: int
    planned_entries: int


class RunsDocument(BaseModel):
    """Every run, the latest first."""

    card_version: str
    runs: list[RunDocument]
    progress: RepriceProgress | None
