"""`costspan report`: a table of spend, or the spend document itself."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from costspan.cli.ask import Ledger, add_question_options, question, reach
from costspan.cli.completeness import completeness_text
from costspan.cli.table import count_text, money_text, print_table
from costspan.core.period import iso

_SPANS: Final = ("daily", "weekly", "monthly", "total")
_SUMMED_FROM_DAYS: Final = {"weekly": "1w", "monthly": "1mo"}
_START: Final = "start"
"""The key of a spend row that says when its interval begins."""

_MONEY: Final = "cost_usd"
_COUNTS: Final = (
    ("Calls", "calls"),
    ("Input", "input_tokens"),
    ("Cache read", "cache_read_tokens"),
    ("Output", "output_tokens"),
    ("Errors", "errors"),
    ("Unpriced", "unpriced_calls"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    parser.add_argument(
        "interval", nargs="?", default="total", choices=_SPANS, help="one row a day, week, month; or all"
    )
    parser.add_argument(
        "--by", default="model", help="dimensions, comma-separated: model,feature,team,user,tag.NAME ..."
    )
    parser.add_argument("--limit", type=int, help="only the N most expensive groups")
    add_question_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    with reach(arguments) as ledger:
        document, place = spend(ledger, arguments), ledger.place
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif not document["total"]["calls"]:
        print(_nothing_yet(place, document))
    else:
        _print(document)
    return 0


def spend(ledger: Ledger, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the spend document the options ask for. Weeks and months are summed here from days, exactly."""
    summed = _SUMMED_FROM_DAYS.get(arguments.interval)
    parameters = [("group_by", arguments.by), ("interval", "total" if arguments.interval == "total" else "1d")]
    if arguments.limit is not None:
        parameters.append(("limit", str(arguments.limit)))
    document = ledger.ask("/api/v1/spend", parameters + question(arguments))
    return _summed(document, summed) if summed else document


def _summed(document: dict[str, Any], interval: str) -> dict[str, Any]:
    rows: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for row in document["rows"]:
        start = _first_day(row[_START], interval)
        place = (start, *(row[key] for key in document["group_by"]))
        rows[place] = _added(rows.get(place), row) | {_START: start}
    return document | {"interval": interval, "rows": sorted(rows.values(), key=_by_start_then_cost)}


def _by_start_then_cost(row: dict[str, Any]) -> tuple[str, Decimal]:
    return row[_START], -Decimal(row[_MONEY] or 0)


def _first_day(start: str, interval: str) -> str:
    day = datetime.fromisoformat(start)
    return iso(day - timedelta(days=day.weekday()) if interval == "1w" else day.replace(day=1))


def _added(sums: dict[str, Any] | None, row: dict[str, Any]) -> dict[str, Any]:
    # Percentiles and standard errors cannot be summed; a figure that is unknown on both sides stays unknown.
    if sums is None:
        return {key: None if isinstance(value, dict) else value for key, value in row.items()}
    return {key: _sum(key, sums.get(key), value) for key, value in row.items()}


def _sum(key: str, left: Any, right: Any) -> Any:
    if isinstance(right, dict) or key.endswith("_stderr_usd"):
        return None
    if key.endswith("_usd"):
        known = [Decimal(amount) for amount in (left, right) if amount is not None]
        return f"{sum(known):f}" if known else None
    return left + right if isinstance(right, int) and left is not None else right


def _print(document: dict[str, Any]) -> None:
    keys = [_START] if document["interval"] != "total" else []
    keys += document["group_by"]
    headers = [key.removesuffix("_id").replace("_", " ").capitalize() for key in keys]
    headers += ["Cost", *(header for header, _ in _COUNTS)]
    rows = [[_word(row.get(key), key) for key in keys] + _figures(row) for row in document["rows"]]
    words = ["Total"] + [""] * (len(keys) - 1)
    print_table(headers, rows, (words if keys else []) + _figures(document["total"]), words=len(keys))
    print(f"\n{document['since'][:10]} to {document['until'][:10]}, UTC. {completeness_text(document['completeness'])}")


def _word(value: Any, key: str) -> str:
    if value is None or value == "":
        return "(not set)"
    return str(value)[:10] if key == _START else str(value)


def _figures(row: dict[str, Any]) -> list[str]:
    return [money_text(row[_MONEY]), *(count_text(row[key]) for _, key in _COUNTS)]


def _nothing_yet(place: str, document: dict[str, Any]) -> str:
    return (
        f"No calls between {document['since']} and {document['until']} in {place}.\n"
        "Widen --since, or start costspan serve and send telemetry to it (OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318)."
        "\nTo see an example: costspan demo"
    )
