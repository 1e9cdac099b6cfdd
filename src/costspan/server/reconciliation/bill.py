"""A provider's bill as immutable cells. `sources` make them; `match` sets them beside the ledger.

Usage and cost are two reports of one thing: cells of kind `usage` carry no amount, and nothing adds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from typing import Final

from costspan.core.money import decimal_from_text
from costspan.core.units import Unit

_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)

TOOL_FEES: Final = frozenset({Unit.WEB_SEARCH, Unit.GROUNDING, Unit.CODE_EXECUTION})
"""Units that a tool bills and no model: they are compared for each scope, whichever model asked for the tool."""
MODEL_UNITS: Final = frozenset(Unit) - TOOL_FEES


class Kind(StrEnum):
    """What a line of a bill is."""

    USAGE = "usage"
    """How much was used, or how many requests were made. No amount."""
    CHARGE = "charge"
    """What is billed for the use of a model."""
    FEE = "fee"
    """What is billed beside the use of models: searches, containers, storage."""
    UNMAPPED = "unmapped"
    """Billed under a name this version does not know. It counts, and it is shown under its name."""
    APART = "apart"
    """Subscriptions, provisioned capacity, taxes and credits: not the price of calls, and kept out of the drift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillCell:
    """One line of a bill. Amounts are pico-dollars, None where the line has none; `day` is the provider's day.

    `model` is as billed. `mode` None means that the bill does not tell modes apart, `unit` None that a line is for
    the whole model. `quantity` counts units; a line with `requests` has no other quantity.
    """

    day: date
    provider: str
    kind: Kind
    project: str | None = None
    api_key: str | None = None
    model: str | None = None
    mode: str | None = None
    unit: Unit | None = None
    quantity: int | None = None
    list_amount: int | None = None
    billed_amount: int | None = None
    line_item: str = ""
    requests: int | None = None
    source: str = ""
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The cells of one provider. `tells_apart` are the units its source knows; others are part of those."""

    provider: str
    cells: tuple[BillCell, ...]
    tells_apart: frozenset[Unit]
    source: str = ""
    fetched_at: datetime | None = None
    notes: tuple[str, ...] = ()


def pico_from_bill(amount: Decimal | str | float, *, per_usd: int = 1) -> int:
    """Return an amount of a bill at the nearest pico-dollar; `per_usd` is 100 for cents.

    A float is read as the decimal it is written as. Raise ValueError for what is no finite number.
    """
    value = decimal_from_text(repr(amount) if isinstance(amount, float) else str(amount))
    return int((_EXACT.scaleb(value, 12) / per_usd).to_integral_value(ROUND_HALF_EVEN))


def whole(quantity: Decimal | str | float | None) -> int | None:
    """Return a quantity of a bill at the nearest whole unit, None where there is none."""
    if quantity is None or quantity == "":
        return None
    value = decimal_from_text(repr(quantity) if isinstance(quantity, float) else str(quantity))
    return int(value.to_integral_value(ROUND_HALF_EVEN))
