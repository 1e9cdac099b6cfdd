"""Quantiles of durations, interpolated as SQL's `quantile_cont` does."""

from __future__ import annotations

from collections.abc import Iterable


def quantiles_ms(values_ns: Iterable[int]) -> tuple[float, float, float] | None:
    """Return p50, p95 and p99 in milliseconds; None where there are no values. Negative durations are left out."""
    ordered = sorted(value for value in values_ns if value >= 0)
    if not ordered:
        return None

    def at(share: float) -> float:
        position = share * (len(ordered) - 1)
        low = int(position)
        high = min(low + 1, len(ordered) - 1)
        return round((ordered[low] + (ordered[high] - ordered[low]) * (position - low)) / 1e6, 3)

    return at(0.5), at(0.95), at(0.99)
