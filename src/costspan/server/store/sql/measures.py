"""The measures as sums that merge: `parts` over rows of `calls`, `MEASURES` over parts, wherever they were added up.

A part is a signed sum, so it is the same whether a row is read, rolled up an hour ago, or taken back in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from costspan.server.store.question import SpendQuestion

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


def parts(total: Callable[[str, str | None], str]) -> dict[str, str]:
    """Return part -> the SQL that sums it over rows of `calls`; `total` makes a sum of a value and its condition."""
    found = {"entries": total("sign", None)}
    found |= {name: total("sign * call_count", condition) for name, condition in _COUNTS.items()}
    found |= {name: total(f"sign * ({value})", condition) for name, (value, condition) in _TOKENS.items()}
    for name, known in _MONEY.items():
        column, condition = ("cost", "role = 'duplicate'") if name == "duplicate_cost" else (name, OWNED)
        found[name] = total(f"sign * {column}", condition)
        if known == name:
            found[f"{name}_known"] = total("sign", f"{condition} AND {column} IS NOT NULL")
    return found | {
        "estimated_cost": total("sign * coalesce(estimated_cost, cost)", _IN_PLACE),
        "estimated_cost_known": total("sign", f"{_IN_PLACE} AND coalesce(estimated_cost, cost) IS NOT NULL"),
        "sampling_known": total("sign", f"{_IN_PLACE} AND adjusted_count IS NOT NULL"),
        "estimates": total("sign", f"{OWNED} AND estimated_cost IS NOT NULL"),
        "thinned": total("sign", f"{OWNED} AND estimated_cost IS NOT NULL AND adjusted_count <> 1"),
    }


def _money(name: str) -> str:
    # Where every cost was taken back nothing is known, and a sum of nothing must not read as 0. A closed month's
    # adjustment takes back and adds in another period: there no call is left, but money may be.
    return f"CASE WHEN sum({_MONEY[name]}_known) > 0 OR sum({name}) <> 0 THEN sum({name}) END"


MEASURES: Final[dict[str, str]] = {
    **{name: f"coalesce(sum({name}), 0)::Int128" for name in (*_COUNTS, *_TOKENS)},
    **{name: _money(name) for name in _MONEY},
    "estimated_cost": (
        "CASE WHEN sum(sampling_known) > 0 AND sum(estimated_cost_known) > 0 THEN sum(estimated_cost) END"
    ),
    "estimated_cost_stderr": "CASE WHEN sum(estimates) > 0 AND sum(thinned) = 0 THEN 0.0 END",
}
"""Measure -> the SQL that makes it of parts. The standard error of what was sampled is no sum; quantiles are none."""

THINNED: Final = "coalesce(sum(thinned), 0) > 0"
"""True where a call stands for others that were not recorded, so that its estimate has an error."""


_COMPLETENESS: Final = ("calls", "billed_calls", "unpriced_calls", "unpriced_tokens", "sampling_unknown_calls")
"""What a total leaves out."""
_NAMES: Final = tuple(parts(lambda value, _: value))


def answered(question: SpendQuestion) -> list[str]:
    """Return the measures an answer has: those asked for and ordered by, and how complete it is."""
    return [name for name in MEASURES if name in (*_COMPLETENESS, *question.measures, question.order)]


def needed(*measures: str) -> list[str]:
    """Return the parts that tell whether a group stands and has errors, and what `measures` of it are."""
    told = "".join(MEASURES[name] for name in measures)
    return [part for part in _NAMES if part in {"entries", "thinned"} or f"({part})" in told]


ENTRIES: Final = "coalesce(sum(entries), 0)"
"""How many entries stand in a group; one without any is no group."""
