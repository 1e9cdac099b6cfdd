"""Documents of the spend API, as tests script them."""

from __future__ import annotations

from typing import Any


def spend_row(**said: Any) -> dict[str, Any]:
    """A spend row as the API sends it, zeros where nothing is said."""
    row: dict[str, Any] = {
        "cost_usd": None,
        "calls": 0,
        "billed_calls": 0,
        "errors": 0,
        "unpriced_calls": 0,
        "usage_missing_calls": 0,
        "input_tokens": 0,
        "cache_read_tokens": 0,
        "output_tokens": 0,
        "latency_ms": {"p50": 1, "p95": 2, "p99": 3},
    }
    return row | said


def spend_document(rows: list[dict[str, Any]], total: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A spend document as the API sends it."""
    document: dict[str, Any] = {
        "since": "2026-11-01T00:00:00Z",
        "until": "2026-11-20T00:00:00Z",
        "interval": "total",
        "currency": "USD",
        "group_by": ["model"],
        "rows": rows,
        "total": total,
        "completeness": {
            "priced_calls": total["billed_calls"],
            "unpriced_calls": total["unpriced_calls"],
            "unpriced_tokens": 0,
            "share_priced": 1.0,
        },
    }
    return document | said
