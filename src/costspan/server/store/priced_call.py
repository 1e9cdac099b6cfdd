"""A call as it was priced, read back from the ledger's columns, and the verdict of a price list on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from costspan.core.call import Call, Signal, UsageState
from costspan.core.charge import PricedUsage
from costspan.core.clock import ns_from_utc
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.price_call import price_call
from costspan.pricing.rate_card import RateCard
from costspan.server.store.charge_classes import charge_classes

PRICING_COLUMNS: Final = (
    "started_at", "dialect", "sent_provider", "requested_model", "response_model", "mode", "usage_state", "usage_note",
    "error_type", "signal", "price_status", *(f"q_{unit}" for unit in Unit),
)  # fmt: skip
"""All that pricing looks at. What was cut off while streaming shows in the status, which no price list changes."""

RESULTS: Final = (
    "price_status", "provider", "model", "cost", "list_cost", "input_cost", "cache_read_cost", "cache_write_cost",
    "output_cost", "fee_cost", "cache_savings",
)  # fmt: skip
"""What a price list decides. An entry that keeps all of them is not touched."""


def verdict(row: Mapping[str, Any], card: RateCard) -> PricedUsage:
    """Return what `card` says of the call in `row`, at the time it was made."""
    started_at_ns = ns_from_utc(row["started_at"].replace(tzinfo=UTC))
    return price_call(
        Call(
            trace_id="",
            span_id="",
            parent_span_id=None,
            started_at_ns=started_at_ns,
            ended_at_ns=started_at_ns,
            dialect=row["dialect"],
            signal=Signal(row["signal"]),
            provider=row["sent_provider"],
            requested_model=row["requested_model"],
            response_model=row["response_model"],
            mode=row["mode"],
            usage=Usage({unit: row[f"q_{unit}"] for unit in Unit}),
            usage_state=UsageState(row["usage_state"]),
            usage_note=row["usage_note"],
            error_type=row["error_type"],
            time_to_first_chunk_s=0.0 if row["price_status"] == UsageState.MISSING else None,
        ),
        card,
    )


def results(priced: PricedUsage, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict as the ledger's columns hold it, in the order of RESULTS."""
    classes = charge_classes(priced)
    return {
        "price_status": priced.status.value,
        "provider": priced.provider or row["sent_provider"],
        "model": priced.model or row["response_model"] or row["requested_model"] or None,
        "cost": priced.cost,
        "list_cost": priced.list_cost,
        "input_cost": classes.input,
        "cache_read_cost": classes.cache_read,
        "cache_write_cost": classes.cache_write,
        "output_cost": classes.output,
        "fee_cost": classes.fee,
        "cache_savings": priced.cache_savings,
    }
