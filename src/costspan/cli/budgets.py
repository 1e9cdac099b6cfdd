"""`costspan budgets`: where the budgets of costspan.yaml stand and how they will end.

Exit code 1 where one does not allow a call.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from costspan.cli.ask import add_source_options, reach
from costspan.cli.table import UNKNOWN, count_text, money_text, render_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `budgets`."""
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the budgets; return 1 when any of them does not allow a call."""
    with reach(arguments) as ledger:
        document = ledger.ask("/api/v1/budgets/outlook")
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif document["budgets"]:
        print(_table(document["budgets"]))
        print(*_notes(document["budgets"]), sep="\n")
    else:
        print("No budgets. Name some in costspan.yaml:\n")
        print("budgets:\n  - {name: search-monthly, scope: {team: search}, amount_usd: 3000, period: month}")
    return 0 if all(budget["allowed"] for budget in document["budgets"]) else 1


def _table(budgets: list[dict[str, Any]]) -> str:
    headers = (
        "Budget",
        "Scope",
        "Period",
        "State",
        "Spent",
        "Of",
        "Left",
        "Expected",
        "Spent %",
        "Elapsed %",
        "Unpriced",
    )
    return render_table(headers, [_row(budget) for budget in budgets], words=4)


def _notes(budgets: list[dict[str, Any]]) -> Iterator[str]:
    for budget in budgets:
        yield f"\n{budget['name']}: {budget['explanation']}"
        if expected := budget["forecast_usd"]:
            said = {"within": "within it", "over": "over it", "surely_over": "over it, nine times in ten"}
            yield (
                f"  ends {said[budget['expectation']]} on {budget['forecast_until'][:10]}:"
                f" {money_text(expected['p10'])} to {money_text(expected['p90'])} (P10 to P90)"
            )
        for burn in budget["burn"]:
            if burn["fast"]:
                spent = money_text(burn["spent_usd"])
                yield f"  burning: {spent} in {burn['window']}, {burn['times_usual']:.1f} times usual"


def _row(budget: dict[str, Any]) -> list[str]:
    scope = ", ".join(f"{key}:{value}" for key, value in budget["scope"].items())
    stopped = not budget["allowed"] and budget["state"] != "exceeded"
    return [
        budget["name"],
        scope or "(all calls)",
        f"{budget['period']} from {budget['since'][:10]}",
        f"{budget['state']}, blocked" if stopped else budget["state"],
        money_text(budget["spent_usd"]),
        money_text(budget["amount_usd"]),
        money_text(budget["remaining_usd"]),
        money_text(budget["forecast_usd"]["p50"]) if budget["forecast_usd"] else UNKNOWN,
        _percent(budget["share_spent"]),
        _percent(budget["share_elapsed"]),
        count_text(budget["unpriced_calls"] + budget["partial_calls"]),
    ]


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.0%}"
