"""A question as a value: which period, grouped by what, filtered how, in which buckets. And its answer.

Every reader (API, CLI, dashboard, alerts) asks through these, so that a measure has one definition.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Final

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.core.zone import ZONE_UTC, Zone

COLUMNS: Final = {
    "model": "model",
    "provider": "provider",
    "requested_model": "requested_model",
    "response_model": "response_model",
    "operation": "operation",
    "feature": "feature",
    "team": "team",
    "user": "user_id",
    "environment": "environment",
    "service": "service",
    "session": "session",
    "agent": "agent",
    "tool": "tool",
    "prompt": "prompt",
    "finish_reason": "finish_reason",
    "error_type": "error_type",
    "mode": "mode",
    "dialect": "dialect",
    "price_status": "price_status",
    "tenant": "tenant",
    "attempt": "attempt",
}
"""Group key and filter -> column of the ledger. `tag.NAME` is accepted beside these."""

SYNONYMS: Final = {"env": "environment", "user_id": "user"}
TAG: Final = "tag."


class Interval(StrEnum):
    """Width of the time buckets; `total` makes none."""

    HOUR = "1h"
    DAY = "1d"
    TOTAL = "total"


def bucket_start(moment: datetime, interval: Interval, zone: Zone) -> datetime | None:
    """Return the UTC moment at which the bucket of `moment` begins; None where there are no buckets."""
    if interval is Interval.TOTAL:
        return None
    return zone.hour_start(moment) if interval is Interval.HOUR else zone.day_start(moment)


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep calls whose `key` is `value`; None is "not set"; `excludes` turns it round."""

    key: str
    value: str | None
    excludes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """All measures of one group of calls. Money is in pico-dollars, None where unknown; times are milliseconds.

    `calls` = `billed_calls` + `unpriced_calls` + `errors`, disjoint; duplicates stand apart. `input_tokens` is uncached
    input, `output_tokens` all output, `reasoning_tokens` the part of it (interfaces, section 2).
    """

    calls: int = 0
    billed_calls: int = 0
    errors: int = 0
    retries: int = 0
    truncated: int = 0
    unpriced_calls: int = 0
    partial_calls: int = 0
    usage_missing_calls: int = 0
    duplicate_calls: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    unpriced_tokens: int = 0
    cost: int | None = None
    list_cost: int | None = None
    duplicate_cost: int | None = None
    input_cost: int | None = None
    cache_read_cost: int | None = None
    cache_write_cost: int | None = None
    output_cost: int | None = None
    fee_cost: int | None = None
    cache_savings: int | None = None
    estimated_cost: int | None = None
    """Recorded cost scaled up by how the calls were sampled; None where no call says how."""
    estimated_cost_stderr: float | None = None
    """Standard error of `estimated_cost`, in pico-dollars (Horvitz-Thompson, traces sampled as a whole)."""
    sampling_unknown_calls: int = 0
    """Calls of which nobody says how they were sampled."""
    latency_ms: tuple[float, float, float] | None = None
    """p50, p95, p99 of the call's duration."""
    ttft_ms: tuple[float, float, float] | None = None
    """p50, p95, p99 of the time to the first chunk, over the calls that report one."""


MEASURES: Final = tuple(item.name for item in fields(Spend))
QUANTILES: Final = ("latency_ms", "ttft_ms")
ERRORS: Final = ("estimated_cost_stderr",)
SUMS: Final = tuple(name for name in MEASURES if name not in QUANTILES + ERRORS)
ORDERS: Final = SUMS
"""The measures rows can be ordered by."""


@dataclass(frozen=True, slots=True)
class SpendQuestion:
    """Filters on one key are alternatives, on different keys they all hold. `limit` keeps the top groups by `order`.

    Buckets are hours and days of `zone`. What `measures` does not name may be left out of the answer: percentiles and
    standard errors, which are no `SUMS`, take longer.
    """

    period: Period
    group_by: tuple[str, ...] = ()
    interval: Interval = Interval.TOTAL
    zone: Zone = ZONE_UTC
    filters: tuple[Filter, ...] = ()
    order: str = "cost"
    ascending: bool = False
    limit: int | None = None
    measures: tuple[str, ...] = MEASURES


@dataclass(frozen=True, slots=True)
class SpendRow:
    """One group in one bucket: its key values in the question's order, the bucket's start, its measures."""

    key: tuple[str | None, ...]
    start: datetime | None
    spend: Spend


@dataclass(frozen=True, slots=True)
class SpendAnswer:
    """Rows, and the total over all calls asked about, whatever the limit.

    Of calls before `keys_since` the ledger kept the totals and not the keys asked about: they are in the group of None,
    and no filter on such a key lets them pass. None where every key is known.
    """

    rows: tuple[SpendRow, ...]
    total: Spend
    keys_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerSummary:
    """What the ledger holds, for health pages and empty states."""

    calls: int = 0
    first_call_at: datetime | None = None
    last_call_at: datetime | None = None
    dialects: dict[str, int] = field(default_factory=dict)


def known_key(key: str) -> str:
    """Return the canonical group key. Raise UsageError, listing the known ones, for anything else."""
    key = SYNONYMS.get(key, key)
    if key in COLUMNS or (key.startswith(TAG) and len(key) > len(TAG)):
        return key
    raise UsageError(f"unknown key {key!r}; known: {', '.join(COLUMNS)}, tag.NAME")
