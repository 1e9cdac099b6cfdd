"""`costspan forecast`: what a month, week, day or a number of days will come to, and what that adds up."""

from __future__ import annotations

import argparse
import json
from typing import Any

from costspan.cli.ask import add_source_options, conditions, reach
from costspan.cli.completeness import completeness_text
from costspan.cli.table import UNKNOWN, count_text, money_text, render_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `forecast`."""
    parser.add_argument("--period", default="month", help="month, week, day, or days that roll: 30d (default: month)")
    parser.add_argument("--by", default="", metavar="KEYS", help="one row each: model,feature,team,tag.NAME ...")
    parser.add_argument("--tz", help="IANA zone whose days and months are meant (default: UTC)")
    parser.add_argument("--limit", type=int, help="only the N dearest groups (default: 20)")
    parser.add_argument("--where", action="append", default=[], metavar="KEY:VALUE", help="only calls with this value")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the forecast."""
    asked = [("period", arguments.period), ("group_by", arguments.by), *conditions(arguments)]
    asked += [("tz", arguments.tz)] if arguments.tz else []
    asked += [("limit", str(arguments.limit))] if arguments.limit is not None else []
    with reach(arguments) as ledger:
        document = ledger.ask("/api/v1/forecast", asked)
    print(json.dumps(document, indent=2, ensure_ascii=False) if arguments.json else _text(document))
    return 0


def _text(document: dict[str, Any]) -> str:
    keys = document["group_by"]
    headers = [*(key.capitalize() for key in keys), "Spent", "P10", "P50", "P90", "Calls"]
    rows = [[*(str(row[key] or "(not set)") for key in keys), *_figures(row)] for row in document["rows"]]
    total = document["total"]
    rows.append([*(["Total"] + [""] * (len(keys) - 1) if keys else []), *_figures(total)])
    return (
        f"{render_table(headers, rows, words=len(keys))}\n\n"
        f"By {document['until'][:10]} ({document['period']}, {document['tz']}): {total['explanation']}.\n"
        "P10 to P90 is where it ends eight times in ten, approximately.\n"
        f"{completeness_text(document['completeness'])}"
    )


def _figures(row: dict[str, Any]) -> list[str]:
    expected = row["forecast_usd"] or {}
    range_ = [money_text(expected[name]) if expected else UNKNOWN for name in ("p10", "p50", "p90")]
    return [money_text(row["spent_usd"]), *range_, count_text(row["calls"])]
