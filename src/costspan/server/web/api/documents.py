"""The shapes of the API's answers: what `/openapi.json` is made from."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Usd = str | None
"""Exact decimal text, or null where unknown; unknown is never 0."""


class Quantiles(BaseModel):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


def _all_optional(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class SpendMeasures(BaseModel):
    """Measures of one group of calls. `calls` = `billed_calls` + `unpriced_calls` + `errors`, disjoint.

    Where the question names `measures`, those alone.
    """

    model_config = ConfigDict(json_schema_extra=_all_optional)

    calls: int
    billed_calls: int
    errors: int
    retries: int
    truncated: int
    unpriced_calls: int
    partial_calls: int
    usage_missing_calls: int
    duplicate_calls: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: Usd
    list_cost_usd: Usd
    duplicate_cost_usd: Usd
    input_cost_usd: Usd
    cache_read_cost_usd: Usd
    cache_write_cost_usd: Usd
    output_cost_usd: Usd
    fee_cost_usd: Usd
    cache_savings_usd: Usd
    estimated_cost_usd: Usd
    estimated_cost_stderr_usd: Usd
    latency_ms: Quantiles | None
    ttft_ms: Quantiles | None


class SpendRow(SpendMeasures):
    """A group: its measures, one key per grouped dimension, and `start` where there are time buckets."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_all_optional)

    start: str | None = None


class Completeness(BaseModel):
    """What the total leaves out."""

    priced_calls: int
    unpriced_calls: int
    unpriced_tokens: int
    sampling_unknown_calls: int
    share_priced: float | None
    keys_since: str | None
    """Of calls before then only totals are kept: keys asked about are null for them. Null where all keys are known."""


class SpendDocument(BaseModel):
    """The answer of `/api/v1/spend`."""

    since: str
    until: str
    interval: str
    tz: str
    currency: str
    group_by: list[str]
    rows: list[SpendRow]
    total: SpendMeasures
    completeness: Completeness


class IngestDocument(BaseModel):
    """What came in since the process started, and what the ledger holds: `calls`, `dialects`, first and last.

    `clock_skew_s` is how far ahead of this server's clock the latest call of the last minute ended; negative is delay.
    """

    received_spans: int
    new_calls: int
    retransmitted: int
    other_spans: int
    refused: dict[str, int]
    refused_requests: dict[str, int]
    dialects: dict[str, int]
    calls: int
    spans_per_minute: float
    last_received_at: str | None
    clock_skew_s: float | None
    first_call_at: str | None
    last_call_at: str | None
    server_time: str
    version: str


class PricesDocument(BaseModel):
    """The catalogue in use."""

    version: str
    providers: list[str]


class Health(BaseModel):
    """A sign of life."""

    service: str
    status: str
    version: str
