"""A record as it is forwarded: with what the ledger says of it, without what its target shall not see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from costspan.core.call import Role
from costspan.core.charge import PriceStatus
from costspan.core.money import usd_from_pico
from costspan.core.record import Attributes, AttributeValue, LogRecord, SpanRecord
from costspan.semconv import cost_attributes as names
from costspan.server.store.forward import Told

Record = TypeVar("Record", SpanRecord, LogRecord)

ROLE: Final = "costspan.role"
COSTS: Final = (names.COST_USD, names.COST_AMOUNT, names.COST_CURRENCY, names.COST_SOURCE)
LANGFUSE_COSTS: Final = "langfuse.observation.cost_details"
"""JSON of dollars by kind of usage and in total; a cost that is said is not computed again
(langfuse.com/docs, OpenTelemetry integration, property mapping)."""
_LANGFUSE_CLASSES: Final = {
    "input": "input", "cache_read": "input_cached_tokens", "cache_write": "input_cache_creation", "output": "output",
    "fee": "fees",
}  # fmt: skip


def enriched(
    record: Record, told: Told | None, *, drop: frozenset[str] = frozenset(), langfuse: bool = False
) -> Record:
    """Return a record as it leaves; `told` is None for one that is no call. Unknown cost is absent, never 0.

    A record that another counts instead of says so and carries no cost, so that a sum over all of them is right.
    """
    said = {key: value for key, value in record.attributes.items() if key not in drop}
    if told is not None:
        said = {key: value for key, value in said.items() if key not in (*COSTS, LANGFUSE_COSTS)}
        said |= {key: value for key, value in _added(told, langfuse=langfuse).items() if key not in drop}
    resource = {key: value for key, value in record.resource.items() if key not in drop} if drop else record.resource
    return replace(record, attributes=said, resource=resource)


def _added(told: Told, *, langfuse: bool) -> Attributes:
    if told.role is not Role.OWNER:
        owner = told.owner.span_id if told.owner else None
        return {ROLE: told.role.value} | ({names.DUPLICATE_OF: owner} if owner else {})
    attribution = told.attribution
    added: dict[str, AttributeValue] = {
        names.PRICE_STATUS: told.price_status,
        names.RATE_ID: told.rate_id,
        names.FEATURE: attribution.feature,
        names.TEAM: attribution.team,
        names.ENVIRONMENT: attribution.environment,
    }
    if told.cost is not None:
        cost_usd = float(usd_from_pico(told.cost))
        added |= {
            names.COST_USD: cost_usd,
            names.COST_AMOUNT: cost_usd,
            names.COST_CURRENCY: "USD",
            names.COST_SOURCE: "provider" if told.price_status == PriceStatus.REPORTED else "local",
        }
        if langfuse:
            added[LANGFUSE_COSTS] = _langfuse_costs(told.cost, told.costs)
    return {key: value for key, value in added.items() if value is not None}


def _langfuse_costs(cost: int, costs: Mapping[str, int]) -> str:
    parts = {_LANGFUSE_CLASSES[name]: float(usd_from_pico(part)) for name, part in costs.items() if part}
    return json.dumps({**parts, "total": float(usd_from_pico(cost))})
