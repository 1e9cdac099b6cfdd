"""A server with made-up, repeatable spend behind the real dashboard files: `python sample_server.py PORT`."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Query

from costspan.server.web.assets import mount_dashboard

HOUR = timedelta(hours=1)
MEASURES = [
    "calls",
    "billed_calls",
    "errors",
    "retries",
    "truncated",
    "unpriced_calls",
    "partial_calls",
    "usage_missing_calls",
    "duplicate_calls",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
]
MONEY = ["cost_usd", "input_cost_usd", "output_cost_usd", "cache_savings_usd", "duplicate_cost_usd"]
MODELS: dict[str, tuple[str, int | None, int]] = {  # provider, micro-dollars per 1000 input / output tokens
    "gpt-5.4": ("openai", 2500, 15000),
    "claude-sonnet-4.6": ("anthropic", 3000, 15000),
    "o3": ("openai", 2000, 8000),
    "gemini-2.5-pro": ("gcp.gemini", 1250, 10000),
    "gpt-5.4-mini": ("openai", 250, 2000),
    "claude-haiku-4.5": ("anthropic", 1000, 5000),
    "house-llama-70b": ("vllm", None, 0),
}
FEATURES = [
    "document_summary docs",
    "rag_answer search",
    "chat_reply assistant",
    "code_review devtools",
    "support_triage support",
    "search_rerank search",
    "email_draft crm",
    " ",
]


@dataclass(frozen=True, slots=True)
class Stream:
    model: str
    provider: str
    feature: str | None
    team: str | None
    user: str
    environment: str
    weight: int

    def amounts(self, hour: int) -> dict[str, Any]:
        """What this stream spent in one hour since 1970."""
        day, of_day = divmod(hour, 24)
        weekend = 0.5 if day % 7 in (2, 3) else 1.0
        wave = 1 + 0.6 * math.sin((of_day - 9) / 24 * 2 * math.pi) + 0.12 * math.sin(day * 1.7 + self.weight)
        calls = max(1, round(self.weight * weekend * wave))
        size = 900 + 37 * (self.weight % 11)
        _, rate_in, rate_out = MODELS[self.model]
        priced = rate_in is not None
        errors = calls // 90
        billed = (calls - errors) if priced else 0
        ok = calls - errors
        tokens_in, cached, out = ok * size, ok * size // 3, ok * (120 + self.weight % 7 * 30)
        cost_in = (tokens_in * (rate_in or 0) + cached * (rate_in or 0) // 10) * 1000
        cost_out = out * rate_out * 1000
        return {
            "calls": calls,
            "billed_calls": billed,
            "errors": errors,
            "retries": calls // 70,
            "truncated": calls // 30,
            "unpriced_calls": calls - errors - billed,
            "partial_calls": 0,
            "usage_missing_calls": 0,
            "duplicate_calls": calls // 25,
            "input_tokens": tokens_in,
            "cache_read_tokens": cached,
            "cache_write_tokens": 0,
            "output_tokens": out,
            "reasoning_tokens": out // 4,
            "cost_usd": cost_in + cost_out if priced else None,
            "input_cost_usd": cost_in if priced else None,
            "output_cost_usd": cost_out if priced else None,
            "cache_savings_usd": cached * (rate_in or 0) * 900,
            "duplicate_cost_usd": (cost_in + cost_out) // 25,
        }


def streams() -> list[Stream]:
    made = []
    for number, (model, (provider, _, _)) in enumerate(MODELS.items()):
        for other, pair in enumerate(FEATURES):
            if (number * 5 + other * 3) % 4 == 0:
                continue
            feature, _, team = pair.partition(" ")
            weight = 4 + (number * 31 + other * 17) % 60
            environment = "staging" if (number + other) % 6 == 5 else "prod"
            user = f"u-{(number * 7 + other) % 12:02d}"
            made.append(Stream(model, provider, feature or None, team or None, user, environment, weight))
    return made


STREAMS = streams()


def keeps(stream: Stream, filters: list[str]) -> bool:
    wanted: dict[str, list[str]] = {}
    for text in filters:
        key, _, value = text.partition(":")
        wanted.setdefault(key, []).append(value)
    for key, values in wanted.items():
        own = getattr(stream, key, None) or ""
        positive = [value for value in values if not value.startswith("!")]
        if f"!{own}" in values or (positive and own not in positive):
            return False
    return True


def measures(parts: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {name: sum(part[name] for part in parts) for name in MEASURES}
    for name in MONEY:
        known = [part[name] for part in parts if part[name] is not None]
        row[name] = f"{sum(known) // 10**12}.{sum(known) % 10**12:012d}" if known else None
    spread = 1 + (row["calls"] % 97) / 200
    shape = {"p50": 780, "p95": 3900, "p99": 8200}
    row["latency_ms"] = {name: round(value * spread) for name, value in shape.items()} if row["calls"] else None
    return row


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


app = FastAPI()


@app.get("/api/v1/spend")
def spend(
    since: str,
    until: str,
    group_by: str = "",
    interval: str = "total",
    filter: Annotated[list[str], Query()] = [],  # noqa: A002, B006 - the parameter's public name
    limit: int | None = None,
) -> dict[str, Any]:
    """The document of the interface, for as many hours as the range touches."""
    keys = [key for key in group_by.split(",") if key]
    first, last = int(moment(since).timestamp()) // 3600, math.ceil(moment(until).timestamp() / 3600)
    step = {"1h": 1, "1d": 24}.get(interval, 0)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    everything = []
    chosen = [stream for stream in STREAMS if keeps(stream, filter)]
    for hour in range(first, last):
        start = iso(datetime.fromtimestamp(hour // step * step * 3600, UTC)) if step else None
        for stream in chosen:
            part = stream.amounts(hour)
            everything.append(part)
            groups.setdefault((start, *(getattr(stream, key, None) for key in keys)), []).append(part)
    rows = []
    for (start, *names), parts in groups.items():
        rows.append(dict(zip(keys, names, strict=True)) | ({"start": start} if start else {}) | measures(parts))
    if not step:
        rows.sort(key=lambda row: -float(row["cost_usd"] or 0))
        rows = rows[:limit]
    total = measures(everything)
    priced = total["billed_calls"] / total["calls"] if total["calls"] else None
    return {
        "since": since,
        "until": until,
        "interval": interval,
        "currency": "USD",
        "group_by": keys,
        "rows": rows,
        "total": total,
        "completeness": {"share_priced": priced},
    }


@app.get("/api/v1/ingest")
def ingest() -> dict[str, Any]:
    """A server that has been receiving all along."""
    now = iso(datetime.now(UTC))
    return {
        "received_spans": 2_831_022,
        "calls": 2_830_115,
        "refused": {},
        "dialects": {"semconv": 1},
        "version": "0.1.0",
        "spans_per_minute": 1284.0,
        "last_received_at": now,
        "first_call_at": now,
        "last_call_at": now,
        "server_time": now,
    }


@app.get("/api/v1/prices")
def prices() -> dict[str, Any]:
    """The catalogue's version."""
    return {"version": "2026-11-14", "providers": []}


mount_dashboard(app)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
