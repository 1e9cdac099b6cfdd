"""What a correction of the ledger's prices says of each entry, as the columns of `calls` and `charges` hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from costspan.core.call import Role
from costspan.core.charge import PricedUsage
from costspan.core.clock import ns_from_utc
from costspan.pricing.rate_card import RateCard
from costspan.semconv.sampling import AdjustedCount
from costspan.server.store.columns import Kind
from costspan.server.store.priced_call import PRICING_COLUMNS, RESULTS, results, verdict
from costspan.server.store.rows import lines

DECIDED: Final = (*RESULTS, "estimated_cost", "price_reason", "rate_id", "matched_by")
"""The columns of an entry that a price list decides."""
READ: Final = tuple(dict.fromkeys(("entry_id", "role", "kept", "kept_of", *PRICING_COLUMNS, *RESULTS)))
"""The columns that pricing an entry again looks at."""
_TEXTS: Final = ("price_status", "provider", "model", "price_reason", "rate_id", "matched_by")
CORRECTED_KINDS: Final[Mapping[str, Kind]] = {
    "new_id": Kind.WHOLE,
    "old_id": Kind.WHOLE,
    **{f"new_{name}": Kind.TEXT if name in _TEXTS else Kind.WHOLE for name in DECIDED},
}
_MOST: Final = 2**63 - 1
"""What a column holds: an estimate beyond 9.2 million dollars for one call says its sampling wrong."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One entry with its verdict, and the id of the entry that replaces it."""

    new_id: int
    row: Mapping[str, Any]
    priced: PricedUsage


def judged(rows: Iterable[Mapping[str, Any]], card: RateCard) -> list[tuple[Mapping[str, Any], PricedUsage]]:
    """Return those rows of `READ` that have another result under `card`, with it."""
    verdicts = ((row, verdict(row, card)) for row in rows)
    return [(row, priced) for row, priced in verdicts if results(priced, row) != {name: row[name] for name in RESULTS}]


def corrected_rows(entries: Sequence[Corrected]) -> list[tuple[Any, ...]]:
    """Return the values of CORRECTED_KINDS."""
    return [(entry.new_id, entry.row["entry_id"], *(_decided(entry)[name] for name in DECIDED)) for entry in entries]


def charge_lines(entries: Sequence[Corrected]) -> list[tuple[Any, ...]]:
    """Return the values of CHARGE_KINDS for the lines of those that count."""
    return [
        line
        for entry in entries
        if entry.row["role"] == Role.OWNER
        for line in lines(
            entry.new_id,
            ns_from_utc(entry.row["started_at"].replace(tzinfo=UTC)) // 1000,
            entry.priced.charges,
        )
    ]


def _decided(entry: Corrected) -> dict[str, Any]:
    priced, kept, of = entry.priced, entry.row["kept"], entry.row["kept_of"]
    rate = priced.rate
    estimate = AdjustedCount(kept, of).times(priced.cost) if kept and priced.cost is not None else None
    return results(priced, entry.row) | {
        "estimated_cost": estimate if estimate is None or estimate <= _MOST else None,
        "price_reason": priced.reason,
        "rate_id": rate.rate_id if rate else None,
        "matched_by": rate.matched_by if rate else None,
    }
