"""The measures as sums that merge: `PARTS` over rows of `calls`, `MEASURES` over parts, wherever they were added up.

A part is a signed sum, so it is the same whether a row is read, rolled up an hour ago, or taken back in between.
"""

from __future__ import annotations

from typing import Final

OWNED: Final = "role = 'owner'"
_BILLED: Final = f"{OWNED} AND cost IS NOT NULL"
_FAILED: Final = f"{OWNED} AND cost IS NULL AND error_type IS NOT NULL"
_UNPRICED: Final = f"{OWNED} AND cost IS NULL AND error_type IS NULL"
# What corrects a closed month counts on another day, where it is money and no call (accounting rule 9).
_IN_PLACE: Final = f"{OWNED} AND booked_at IS NULL"

_COUNTS: Final = {
    "calls": OWNED,
    "billed_calls": _BILLED,
    "errors": _FAILED,
    "retries": f"{OWNED} AND attempt > 1",
    "truncated": f"{OWNED} AND finish_reason = 'length'",
    "unpriced_calls": _UNPRICED,
    "partial_calls": f"{OWNED} AND price_status = 'partial'",
    "usage_missing_calls": f"{_UNPRICED} AND price_status = 'usage_missing'",
    "duplicate_calls": "role = 'duplicate'",
    "sampling_unknown_calls": f"{OWNED} AND adjusted_count IS NULL",
}
_TOKENS: Final = {
    "input_tokens": ("q_input + q_input_audio + q_input_image + q_tool_use_input", OWNED),
    "cache_read_tokens": ("q_cache_read + q_cache_read_audio", OWNED),
    "cache_write_tokens": ("q_cache_write_5m + q_cache_write_30m + q_cache_write_1h + q_cache_write_12h", OWNED),
    "output_tokens": ("q_output + q_reasoning + q_output_audio + q_output_image", OWNED),
    "reasoning_tokens": ("q_reasoning", OWNED),
    "unpriced_tokens": ("tokens", f"{OWNED} AND cost IS NULL"),
}
_MONEY: Final = {
    "cost": "cost",
    "list_cost": "cost",
    "input_cost": "cost",
    "cache_read_cost": "cost",
    "cache_write_cost": "cost",
    "output_cost": "cost",
    "fee_cost": "cost",
    "cache_savings": "cache_savings",
    "duplicate_cost": "duplicate_cost",
}
"""Amount -> the part that counts what is known of it: a call that has a cost has all its classes."""


def _sum(value: str, condition: str | None = None) -> str:
    kept = f" FILTER (WHERE {condition})" if condition else ""
    return f"coalesce(sum({value}){kept}, 0)::HUGEINT"


def _parts() -> dict[str, str]:
    parts = {"entries": _sum("sign")}
    parts |= {name: _sum("sign * call_count", condition) for name, condition in _COUNTS.items()}
    parts |= {name: _sum(f"sign * ({value})", condition) for name, (value, condition) in _TOKENS.items()}
    for name, known in _MONEY.items():
        column, condition = ("cost", "role = 'duplicate'") if name == "duplicate_cost" else (name, OWNED)
        parts[name] = _sum(f"sign * {column}", condition)
        if known == name:
            parts[f"{name}_known"] = _sum("sign", f"{condition} AND {column} IS NOT NULL")
    return parts | {
        "estimated_cost": _sum("sign * coalesce(estimated_cost, cost)", _IN_PLACE),
        "estimated_cost_known": _sum("sign", f"{_IN_PLACE} AND coalesce(estimated_cost, cost) IS NOT NULL"),
        "sampling_known": _sum("sign", f"{_IN_PLACE} AND adjusted_count IS NOT NULL"),
        "estimates": _sum("sign", f"{OWNED} AND estimated_cost IS NOT NULL"),
        "thinned": _sum("sign", f"{OWNED} AND estimated_cost IS NOT NULL AND adjusted_count <> 1"),
    }


PARTS: Final = _parts()
"""Name of a part -> the SQL that sums it over rows of `calls`."""


def _money(name: str) -> str:
    # Where every cost was taken back nothing is known, and a sum of nothing must not read as 0. A closed month's
    # adjustment takes back and adds in another period: there no call is left, but money may be.
    return f"CASE WHEN sum({_MONEY[name]}_known) > 0 OR sum({name}) <> 0 THEN sum({name}) END"


MEASURES: Final[dict[str, str]] = {
    **{name: f"coalesce(sum({name}), 0)::HUGEINT" for name in (*_COUNTS, *_TOKENS)},
    **{name: _money(name) for name in _MONEY},
    "estimated_cost": (
        "CASE WHEN sum(sampling_known) > 0 AND sum(estimated_cost_known) > 0 THEN sum(estimated_cost) END"
    ),
    "estimated_cost_stderr": "CASE WHEN sum(estimates) > 0 AND sum(thinned) = 0 THEN 0.0 END",
}
"""Measure -> the SQL that makes it of parts. The standard error of what was sampled is no sum; quantiles are none."""

THINNED: Final = "coalesce(sum(thinned), 0) > 0"
"""True where a call stands for others that were not recorded, so that its estimate has an error."""


def needed(*measures: str) -> list[str]:
    """Return the parts that tell whether a group stands and has errors, and what `measures` of it are."""
    told = "".join(MEASURES[name] for name in measures)
    return [part for part in PARTS if part in {"entries", "thinned"} or f"({part})" in told]


ENTRIES: Final = "coalesce(sum(entries), 0)"
"""How many entries stand in a group; one without any is no group."""
