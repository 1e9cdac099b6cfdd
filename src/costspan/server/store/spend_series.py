"""Spend by group in buckets of five minutes, with what its typical call is: what anomalies are looked for in.

Statistics, not accounts: amounts are floating-point dollars, and what corrects a closed month is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from costspan.core.period import Period
from costspan.server.store.question import Filter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEP: Final = timedelta(minutes=5)
UNITS: Final = ("cost_per_call", "input_per_call", "output_per_call", "price_per_token")
"""What is known of a call that has a cost and tokens: dollars; tokens in, cached ones too, and out, each plus one;
dollars for a token, in or out."""
COLUMNS: Final = ("calls", "cost_usd", "measured", *(f"{part}_{unit}" for unit in UNITS for part in ("log", "square")))
"""The sums of a bucket: calls, dollars, how many calls have all UNITS, and over those the natural logarithm of each
and its square."""


@dataclass(frozen=True, slots=True)
class SeriesQuestion:
    """Buckets of STEP from the beginning of `period` on. `limit` keeps the groups that cost most in it."""

    period: Period
    group_by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """When the ledger was posted to last, None where it never was; `since` is the earliest call of what was posted."""

    posted_at: datetime | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """Rows as columns: row i is of group `keys[group[i]]` in bucket `bucket[i]`. Buckets without a call have none."""

    keys: tuple[tuple[str | None, ...], ...]
    group: NDArray[np.int64]
    bucket: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]
