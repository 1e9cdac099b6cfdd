"""The two sides of a comparison, added up to days: plain values that `match` makes and the steps read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from costspan.core.units import Unit
from costspan.server.reconciliation.rates import Cell


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """What the ledger has for one model on one day. `charged`: quantity, list cost and cost by cell."""

    charged: Mapping[Cell, tuple[int, int, int]] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    """By mode."""
    first_hour_calls: int = 0
    last_hour_calls: int = 0

    def without(self, twice: BillDay) -> LedgerDay | None:
        """Return this day without what `twice` bills, at the ledger's own cost; None where it has less than that."""
        charged, calls = dict(self.charged), dict(self.calls)
        for cell, quantity in twice.quantities.items():
            whole, list_cost, cost = charged.get(cell, (0, 0, 0))
            if not 0 < quantity <= whole:
                return None
            left = whole - quantity
            charged[cell] = left, round(Fraction(list_cost * left, whole)), round(Fraction(cost * left, whole))
        for mode, count in (twice.requests or {}).items():
            calls[mode] = calls.get(mode, 0) - count
        return LedgerDay(charged, calls, self.first_hour_calls, self.last_hour_calls)

    @property
    def quantities(self) -> dict[Cell, int]:
        """How much of each unit was used in each mode."""
        return {cell: quantity for cell, (quantity, _, _) in self.charged.items() if quantity}

    @property
    def cost(self) -> int:
        """What the ledger charged."""
        return sum(cost for _, _, cost in self.charged.values())


@dataclass(frozen=True, slots=True)
class BillLine:
    """What is billed for one mode and unit; None is all of them. `list_amount` None: the bill says only one amount."""

    billed: int
    list_amount: int | None = None
    quantity: int | None = None


LineKey = tuple[str | None, Unit | None]


@dataclass(frozen=True, slots=True)
class BillDay:
    """What the bill has for one model on one day. `requests` is by mode, None where the bill does not count them."""

    quantities: Mapping[Cell, int] = field(default_factory=dict)
    requests: Mapping[str, int] | None = None
    lines: Mapping[LineKey, BillLine] = field(default_factory=dict)

    @property
    def billed(self) -> int:
        """What is billed for the model."""
        return sum(line.billed for line in self.lines.values())


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose traffic a line of the bill is."""

    project: str | None
    api_key: str | None

    @property
    def name(self) -> str:
        """Project and key, as a scope of its own is called."""
        return " ".join(said for said in (self.project, self.api_key) if said) or "(no project)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One model in one scope, on both sides, by the provider's day."""

    scope: str | None
    model: str
    ledger: Mapping[date, LedgerDay]
    bill: Mapping[date, BillDay]

    @property
    def days(self) -> list[date]:
        """Every day on which either side has something."""
        return sorted(self.ledger.keys() | self.bill.keys())

    @property
    def billed(self) -> int:
        """What is billed over all days."""
        return sum(day.billed for day in self.bill.values())

    @property
    def cost(self) -> int:
        """What the ledger charged over all days."""
        return sum(day.cost for day in self.ledger.values())
