"""`costspan whatif`: what history would have cost under another model, in another mode, or with caching."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from typing import Any

from costspan.cli.ask import add_question_options, question, reach
from costspan.cli.completeness import completeness_text
from costspan.cli.table import UNKNOWN, count_text, money_text, render_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `whatif`."""
    parser.add_argument("--from", dest="model", metavar="MODEL", help="the model whose calls are meant")
    parser.add_argument("--to", metavar="MODEL", help="another model for them")
    parser.add_argument("--to-provider", metavar="PROVIDER", help="its provider, where several have it")
    parser.add_argument("--mode", help="another mode: batch, flex, priority, standard")
    parser.add_argument("--cache", action="store_true", help="with caching; shows what caching did, too")
    parser.add_argument("--tokens", metavar="RANGE", help="tokens of the other model for one, such as 0.9-1.2")
    parser.add_argument("--by", default="feature", metavar="KEYS", help="one row each (default: feature)")
    add_question_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what it would have cost, and what that takes for granted."""
    said = {
        "from": arguments.model,
        "to": arguments.to,
        "to_provider": arguments.to_provider,
        "mode": arguments.mode,
        "cache": "1" if arguments.cache else None,
        "tokens": arguments.tokens,
        "group_by": arguments.by,
    }
    asked = [(name, value) for name, value in said.items() if value] + question(arguments)
    with reach(arguments) as ledger:
        document = ledger.ask("/api/v1/whatif", asked)
    print(json.dumps(document, indent=2, ensure_ascii=False) if arguments.json else _text(document))
    return 0


def _text(document: dict[str, Any]) -> str:
    keys, caches = document["group_by"], document["change"]["cache"]
    headers = [*(key.capitalize() for key in keys), "Cost", "At least", "At most", "Difference", "Calls", "Unpriced"]
    headers += ["Saved", "Missed", "Not earned back"] if caches else []
    rows = [[*(str(row[key] or "(not set)") for key in keys), *_figures(row)] for row in document["rows"]]
    total = ["Total"] + [""] * (len(keys) - 1) if keys else []
    table = render_table(headers, [*rows, [*total, *_figures(document["total"])]], words=len(keys))
    assumed = "\n".join(f"* {assumption}" for assumption in document["assumptions"])
    return f"{table}\n\nThis takes for granted:\n{assumed}\n\n{completeness_text(document['completeness'])}"


def _figures(row: dict[str, Any]) -> list[str]:
    other, shares = row["alternative_cost_usd"], row["difference_share"]
    figures = [
        money_text(row["actual_cost_usd"]),
        money_text(other["low"]),
        money_text(other["high"]),
        _between(shares["low"], shares["high"]),
        count_text(row["calls"]),
        count_text(row["unpriced_calls"]),
    ]
    if cache := row.get("cache"):
        missed = cache["missed_usd"]
        figures += [
            money_text(cache["saved_usd"]),
            _range(missed["low"], missed["high"]),
            money_text(cache["not_earned_back_usd"]),
        ]
    return figures


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return UNKNOWN
    ends = dict.fromkeys(f"{share * 100:+.0f}%" for share in (low, high))
    return " to ".join(ends)


def _range(low: str, high: str) -> str:
    return money_text(low) if Decimal(low) == Decimal(high) else f"{money_text(low)} to {money_text(high)}"
