"""Durations as counts in buckets that grow by a fixed ratio, so that percentiles of any hours and groups merge by sums.

The buckets are those of OpenTelemetry's exponential histogram at scale 5: bucket i holds (b^i, b^(i+1)] nanoseconds
with b = 2^(1/32). What is read from a bucket is off by at most (b - 1)/(b + 1) = 1.09 %.
Source: opentelemetry-specification, metrics/data-model.md, "Exponential Scale" and "Producer Expectations".
"""

from __future__ import annotations

from typing import Final

from costspan.server.store.sql.measures import OWNED

PER_DOUBLING: Final = 2**5
_BASE: Final = 2 ** (1 / PER_DOUBLING)
RELATIVE_ERROR: Final = (_BASE - 1) / (_BASE + 1)

COLUMNS: Final = {"latency_ms": "duration_ns", "ttft_ms": "ttft_ns"}
"""Measure -> the column of `calls` it is taken of."""
SHARES: Final = (0.5, 0.95, 0.99)


def counted(column: str) -> str:
    """Return the condition on rows of `calls` whose `column` goes into a sketch; reversals go in with their sign."""
    return f"{OWNED} AND booked_at IS NULL AND {column} IS NOT NULL"


def slot(column: str) -> str:
    """Return the SQL for the number of the bucket of a duration in nanoseconds; 0 shares the lowest with 1."""
    return f"(ceil(log2(greatest({column}, 1)) * {PER_DOUBLING}) - 1)::SMALLINT"


def quantiles(source: str, keys: str) -> str:
    """Return the query for `keys` and the quantiles, in nanoseconds, of `source`: rows of `keys`, `slot` and `n`.

    As `quantile_cont` does it lies between the two values around the rank, each told by its bucket.
    """
    by = f"PARTITION BY {keys}" if keys else ""
    shown = f"{keys}, " if keys else ""
    middle = f"2 * pow(2::DOUBLE, (slot + 1) / {PER_DOUBLING}.0) / {_BASE + 1!r}"
    at = [f"{share} * (total - 1)" for share in SHARES]
    low = [f"min(middle) FILTER (WHERE reached > floor({rank}))" for rank in at]
    high = [f"min(middle) FILTER (WHERE reached > ceil({rank}))" for rank in at]
    part = [f"(any_value({rank}) - floor(any_value({rank})))" for rank in at]
    found = ", ".join(f"{lo} + ({hi} - {lo}) * {p}" for lo, hi, p in zip(low, high, part, strict=True))
    summed = f"SELECT {shown}slot, sum(n) AS n FROM ({source}) GROUP BY ALL HAVING sum(n) > 0"
    reached = (
        f"SELECT {shown}{middle} AS middle, sum(n) OVER ({by} ORDER BY slot) AS reached, "
        f"(sum(n) OVER ({by}))::DOUBLE AS total FROM ({summed})"
    )
    return f"SELECT {shown}[{found}] FROM ({reached})" + (f" GROUP BY {keys}" if keys else "")
