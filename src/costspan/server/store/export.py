"""Tables that leave the ledger: what their columns are and mean, whichever engine keeps it and whatever form they take.

`calls` and `charges` are the ledger as it stands, or stood at a moment. `entries` and `charge_entries` are its postings
as they were made, signed, for a copy elsewhere that is kept up to date: they only grow, so what was posted after the
last look is all there is to add.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from costspan.core.attribution import DIMENSIONS
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.server.store.question import Filter


class Kind(StrEnum):
    """What a column holds. `usd` is an exact decimal with twelve digits after the point."""

    TEXT = "text"
    WHOLE = "whole"
    REAL = "real"
    TRUTH = "truth"
    MOMENT = "moment"
    USD = "usd"


class Form(StrEnum):
    """What a file of rows can be."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that others may build on: its kind and what it says."""

    kind: Kind
    meaning: str


def _text(meaning: str) -> Column:
    return Column(Kind.TEXT, meaning)


def _whole(meaning: str) -> Column:
    return Column(Kind.WHOLE, meaning)


def _usd(meaning: str) -> Column:
    return Column(Kind.USD, meaning)


_POSTING: Final[Mapping[str, Column]] = {
    "entry_id": _whole("number of the ledger's entry; a correction is a new entry"),
    "sign": _whole("1 for an entry, -1 for the same entry taken back"),
    "posted_at": Column(Kind.MOMENT, "when the ledger took it"),
}
_CALL: Final[Mapping[str, Column]] = {
    "call_id": _text("the record's identity: the same for an entry and what later stands instead"),
    "started_at": Column(Kind.MOMENT, "when the call began"),
    "booked_at": Column(Kind.MOMENT, "the day a correction of a closed month counts on, else empty"),
    "adjusts": _text("the closed month a correction belongs to, else empty"),
    "duration_ms": Column(Kind.REAL, "how long the call took"),
    "ttft_ms": Column(Kind.REAL, "time to the first chunk, where it is known"),
    "trace_id": _text("32 hex digits"),
    "span_id": _text("16 hex digits"),
    "parent_span_id": _text("16 hex digits"),
    "role": _text("owner: it counts; duplicate, aggregate: another record counts instead"),
    "reason": _text("why it does not count, or what is unusual"),
    "owner_id": _text("`call_id` of the record that counts instead"),
    "call_count": _whole("calls this record stands for; more than 1 only for metrics"),
    "provider": _text("who sold it"),
    "model": _text("the price list's name, else as sent"),
    "requested_model": _text("as sent"),
    "response_model": _text("as sent"),
    "response_id": _text("the provider's id of the answer"),
    "operation": _text("chat, embeddings, ..."),
    "mode": _text("standard, batch, flex, priority, ..."),
    "finish_reason": _text("stop, length, content_filter, ..."),
    "error_type": _text("of a call that failed"),
    "streamed": Column(Kind.TRUTH, "whether the answer came in chunks"),
    "attempt": _whole("1 for the first try"),
    **{name: _text("attribution") for name in DIMENSIONS},
    "tags": _text("free tags as a JSON object"),
    "dialect": _text("the vocabulary it was told in"),
    "signal": _text("span, event or metric"),
    **{f"{unit}_quantity": _whole(f"units of `{unit}`; the units are disjoint") for unit in Unit},
    "price_status": _text("priced, free, reported, assumed, partial, unpriced, invalid_usage, usage_missing"),
    "price_reason": _text("what is missing for a price"),
    "rate_id": _text("the line of the price list"),
    "catalogue_version": _text("the price list"),
    "cost_usd": _usd("what the call counts for; empty where unknown, and on records that do not count"),
    "list_cost_usd": _usd("the same at published prices"),
    "uncounted_cost_usd": _usd("what a duplicate or aggregate would have cost, had it counted"),
    "estimated_cost_usd": _usd("cost scaled up by the trace's sampling, where that is known"),
}
_CHARGE: Final[Mapping[str, Column]] = {
    "started_at": Column(Kind.MOMENT, "when the call began"),
    "unit": _text("what was billed: input, cache_read, output, web_search, ..."),
    "quantity": _whole("how many of it"),
    "price": _text("the price list's figure for `per` units, as published"),
    "per": _whole("how many units `price` is for"),
    "list_cost_usd": _usd("quantity at the published price"),
    "cost_usd": _usd("quantity at what is owed"),
}
_ENTRY: Final[Mapping[str, Column]] = {name: _POSTING[name] for name in ("entry_id", "posted_at")}


class Table(StrEnum):
    """What can be asked for."""

    CALLS = "calls"
    CHARGES = "charges"
    ENTRIES = "entries"
    CHARGE_ENTRIES = "charge_entries"

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns in order."""
        return _COLUMNS[self]

    @property
    def is_posted(self) -> bool:
        """Whether its rows are postings, with a sign, and not what stands."""
        return self in {Table.ENTRIES, Table.CHARGE_ENTRIES}


_COLUMNS: Final[Mapping[Table, Mapping[str, Column]]] = {
    Table.CALLS: {**_ENTRY, **_CALL},
    Table.CHARGES: {**_ENTRY, "call_id": _CALL["call_id"], **_CHARGE},
    Table.ENTRIES: {**_POSTING, **_CALL},
    Table.CHARGE_ENTRIES: {**_POSTING, **_CHARGE},
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was posted after a moment (None: from the beginning) and up to another, both moments of the ledger."""

    after: datetime | None
    to: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A table and which of its rows: what counts in `period` and stood at `as_of` (None: now), or a `stretch`."""

    table: Table
    period: Period | None = None
    filters: tuple[Filter, ...] = ()
    as_of: datetime | None = None
    stretch: Stretch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSum:
    """Charges of one day (UTC) that have everything a bill tells apart in common; amounts are signed sums.

    `day` is when they count: for a correction of a closed month the day it was booked, `adjusts` names the month.
    Costs are pico-dollars.
    """

    day: datetime
    adjusts: str | None
    provider: str | None
    model: str | None
    mode: str
    unit: Unit
    rate_id: str | None
    catalogue_version: str
    service: str | None
    environment: str | None
    feature: str | None
    team: str | None
    tenant: str | None
    calls: int
    quantity: int
    list_cost: int
    cost: int


class TableSource(Protocol):
    """Gives tables away. Safe from several threads; raises StoreUnavailable when the ledger cannot be read."""

    def write(self, wanted: Wanted, target: Path, form: Form) -> int:
        """Write rows to a file that is not there yet, in order of time; return how many. Memory is bounded."""

    def next_stretch(self, after: datetime | None, most: int) -> Stretch | None:
        """Return the postings that follow a moment, about `most` entries of them; None where none do."""

    def charge_sums(self, wanted: Wanted) -> Iterator[ChargeSum]:
        """Yield what was charged, by day. Raise UsageError where the rows of a part of the period are gone."""

    def write_csv_as(self, source: Path, target: Path, form: Form, numbers: Collection[str]) -> None:
        """Write a CSV file in another form, the columns of `numbers` as exact decimals."""


class Files(Protocol):
    """Writes files of rows in another form. Memory is bounded."""

    def write_parquet_as(self, source: Path, target: Path, form: Form) -> int:
        """Write a Parquet file in another form; return how many rows."""

    def write_csv_as(self, source: Path, target: Path, form: Form, numbers: Collection[str]) -> None:
        """Write a CSV file in another form, the columns of `numbers` as exact decimals."""
