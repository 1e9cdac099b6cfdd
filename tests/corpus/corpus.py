"""The cases of the corpus: their bodies, their truth, and a judge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.pipeline.signals import JSON, PROTOBUF, SIGNALS
from costspan.server.store.entry import Batch

CASES = Path(__file__).parent / "cases"
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
PAYLOAD = re.compile(r"\d\d-(traces|logs|metrics)\.(pb|json)")
EXACT = Decimal("1e-9")
SNAPSHOTS = {"gpt-4o-2024-05-13"}
"""Snapshots that are price-list names of their own."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    truth: dict[str, Any]
    batches: tuple[Batch, ...]


@cache
def cases() -> tuple[Case, ...]:
    return tuple(_case(folder) for folder in sorted(CASES.iterdir()) if folder.is_dir())


def _case(folder: Path) -> Case:
    truth = json.loads((folder / "truth.json").read_text())
    batches = []
    for path in sorted(folder.iterdir()):
        if named := PAYLOAD.fullmatch(path.name):
            read = SIGNALS[named[1]]
            batches.append(read(path.read_bytes(), JSON if named[2] == "json" else PROTOBUF).batch)
    return Case(folder.name, truth, tuple(batches))


Parameters = list[tuple[str, str]]
Ask = Callable[[Parameters], dict[str, Any]]
"""Answers the parameters of a spend question with its document."""


def differences(reader: Any, case: Case) -> list[str]:
    """Return in words where the ledger differs from the truth of `case`."""

    def ask(parameters: Parameters) -> dict[str, Any]:
        return spend_document(reader, parse_question(parameters, None))  # type: ignore[arg-type]

    return differences_of(ask, case.name, case.truth)


def differences_of(ask: Ask, name: str, truth: dict[str, Any]) -> list[str]:
    """Return in words where the answers, however they are got, differ from the truth of the case called `name`."""
    by_model = ask(question(name, truth, "model"))
    return [
        *_total_differences(by_model["total"], truth),
        *_model_differences(by_model["rows"], truth),
        *_attribution_differences(ask, name, truth),
    ]


def question(name: str, truth: dict[str, Any], dimension: str) -> Parameters:
    """Return the parameters that ask for the spend of one case by `dimension`."""
    window = truth["window"]
    return [
        ("group_by", dimension),
        ("filter", f"service:{name}"),
        ("since", window["since"]),
        ("until", window["until"]),
    ]


def _total_differences(total: dict[str, Any], truth: dict[str, Any]) -> list[str]:
    sampled = truth.get("sampling")
    found = []
    cost = Decimal((total["estimated_cost_usd"] if sampled else None) or total["cost_usd"] or 0)
    if abs(cost - Decimal(truth["total_cost_usd"])) > EXACT:
        found.append(f"cost {cost}, truth {truth['total_cost_usd']}")
    counts = (total["billed_calls"], total["unpriced_calls"])
    free = truth.get("free_calls", 0)
    right = {(truth["billed_calls"] - n, truth["unpriced_calls"] + n) for n in range(free + 1)}
    if sampled:
        right.add((sampled["recorded_billed_calls"], sampled["recorded_unpriced_calls"]))
    if truth.get("counts") != "unknown" and counts not in right:
        found.append(f"billed and unpriced {counts}, truth {right}")
    return found


def _model_differences(rows: list[dict[str, Any]], truth: dict[str, Any]) -> list[str]:
    found = []
    named = {_listed(row["model"], truth): row for row in rows}
    for model, want in truth["by_model"].items():
        row = named.pop(_listed(model, truth), None)
        if row is None:
            found.append(f"no row for {model}")
            continue
        for name in TOKENS:
            lost = name == "reasoning_tokens" and "reasoning" in truth["lost_in_telemetry"]
            if not lost and row[name] != want[name]:
                found.append(f"{model} {name} {row[name]}, truth {want[name]}")
    return found + [f"unexpected model {model}" for model, row in named.items() if any(row[name] for name in TOKENS)]


def _attribution_differences(ask: Ask, name: str, truth: dict[str, Any]) -> list[str]:
    found = []
    for dimension, values in truth["attribution"].items():
        rows = {row[dimension]: row["cost_usd"] for row in ask(question(name, truth, dimension))["rows"]}
        for value, want in values.items():
            if abs(Decimal(rows.get(value) or 0) - Decimal(want["cost_usd"])) > EXACT:
                found.append(f"{dimension}={value} {rows.get(value)}, truth {want['cost_usd']}")
    return found


def _listed(model: str | None, truth: dict[str, Any]) -> str:
    """Return the truth's name for a model: snapshots and provider paths are spellings of one price-list name."""
    name = (model or "").lower().rpartition("/")[2]
    if name in truth["by_model"] or name in SNAPSHOTS:
        return name
    return next((known for known in truth["by_model"] if name.startswith(known) or known.startswith(name)), name)
