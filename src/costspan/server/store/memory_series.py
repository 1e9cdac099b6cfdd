"""The series of the store in memory: their meaning, in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from costspan.core.call import Role
from costspan.core.clock import utc_from_ns
from costspan.server.store.entry import Entry
from costspan.server.store.spend_series import COLUMNS, STEP, UNITS, SeriesAnswer, SeriesQuestion

Key = tuple[str | None, ...]


def spend_series(asked: Iterable[tuple[Key, Entry]], question: SeriesQuestion) -> SeriesAnswer:
    """Return the series of entries that were asked about, each with its group."""
    sums: dict[Key, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(lambda: dict.fromkeys(COLUMNS, 0.0)))
    for key, entry in asked:
        if entry.role is Role.OWNER:
            bucket = (utc_from_ns(entry.call.started_at_ns) - question.period.since) // STEP
            row = sums[key][bucket]
            for name, value in _measured(entry).items():
                row[name] += value
    ranked = sorted(sums, key=lambda key: (-sum(row["cost_usd"] for row in sums[key].values()), _order(key)))
    keys = tuple(ranked[: question.limit])
    rows = [(number, bucket, row) for number, key in enumerate(keys) for bucket, row in sorted(sums[key].items())]
    return SeriesAnswer(
        keys,
        np.array([number for number, _, _ in rows], np.int64),
        np.array([bucket for _, bucket, _ in rows], np.int64),
        {name: np.array([row[name] for _, _, row in rows], np.float64) for name in COLUMNS},
    )


def _measured(entry: Entry) -> dict[str, float]:
    count, cost = entry.call.call_count, (entry.priced.cost or 0) / 1e12
    found = {"calls": float(count), "cost_usd": cost}
    usage = entry.call.usage
    tokens_in = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    tokens_out = usage.output_tokens
    if count <= 0 or cost <= 0 or tokens_in + tokens_out <= 0:
        return found
    values = (cost / count, tokens_in / count + 1, tokens_out / count + 1, cost / (tokens_in + tokens_out))
    for unit, value in zip(UNITS, values, strict=True):
        found[f"log_{unit}"] = count * math.log(value)
        found[f"square_{unit}"] = count * math.log(value) ** 2
    return found | {"measured": float(count)}


def _order(key: Key) -> tuple[tuple[bool, str], ...]:
    return tuple((part is None, part or "") for part in key)
