"""`costspan calls`: the rows behind a figure as a table, or the calls document itself."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from textwrap import shorten
from typing import Any, Final

from costspan.cli.ask import Ledger, add_question_options, question, reach
from costspan.cli.call_text import tokens, verdict
from costspan.cli.table import money_text, render_table
from costspan.core.errors import UsageError

_PAGE: Final = 1_000
_WORDS: Final = 5
_STATUS_WIDTH: Final = 60
_FIGURES: Final = ("Input", "Cached", "Output", "Cost")
_HEADERS: Final = ("Time", "Trace", "Service", "Feature", "Model", *_FIGURES)
_SHORT_ID: Final = 12
"""Digits of a trace id: enough to tell traces apart, and `costspan trace` takes them."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `calls`."""
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="how many calls (default: 50)")
    parser.add_argument("--order", choices=("time", "cost"), default="time", help="the latest or the dearest first")
    parser.add_argument(
        "--role",
        choices=("owner", "duplicate", "aggregate", "all"),
        default="owner",
        help="calls that count, records that do not, or all (default: owner)",
    )
    add_question_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the calls."""
    if arguments.limit < 1:
        raise UsageError(f"--limit {arguments.limit} is not above 0")
    with reach(arguments) as ledger:
        document, place = _asked(ledger, arguments), ledger.place
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif not document["rows"]:
        print(f"No such calls between {document['since']} and {document['until']} in {place}. Widen --since or --role.")
    else:
        print(_table(document["rows"]))
        print(f"\n{_footer(document)}")
    return 0


def _asked(ledger: Ledger, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the document of as many pages as the limit takes, as one."""
    asked = [("role", arguments.role), ("order", arguments.order), *question(arguments)]
    document: dict[str, Any] = {"rows": [], "next_cursor": ""}
    while document["next_cursor"] is not None and len(document["rows"]) < arguments.limit:
        page = [("limit", str(min(_PAGE, arguments.limit - len(document["rows"]))))]
        page += [("cursor", document["next_cursor"])] if document["next_cursor"] else []
        found = ledger.ask("/api/v1/calls", asked + page)
        document = found | {"rows": document["rows"] + found["rows"]}
    return document


def _table(calls: Sequence[dict[str, Any]]) -> str:
    # Words stand to the left, also in the last column, which is the one that may run over the edge.
    statuses = [shorten(verdict(call), _STATUS_WIDTH, placeholder=" …") for call in calls]
    width = max(len(status) for status in statuses)
    rows = [[*_row(call), status.ljust(width)] for call, status in zip(calls, statuses, strict=True)]
    return render_table([*_HEADERS, "Status".ljust(width)], rows, words=_WORDS)


def _row(call: dict[str, Any]) -> list[str]:
    words = [call["service"], call["feature"], call["model"]]
    return [
        call["started_at"][:19].replace("T", " "),
        (call["trace_id"] or "")[:_SHORT_ID],
        *(word or "(not set)" for word in words),
        *tokens(call),
        money_text(call["cost_usd"]),
    ]


def _footer(document: dict[str, Any]) -> str:
    shown = len(document["rows"])
    first = "dearest" if document["order"] == "cost" else "latest"
    more = f"The {shown:,} {first}; --limit shows more." if document["next_cursor"] else f"All {shown:,}."
    return f"{document['since'][:10]} to {document['until'][:10]}, UTC. {more} One of them: costspan trace ID"
