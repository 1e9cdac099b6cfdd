"""`costspan anomalies`: who spends more than usual, and why."""

from __future__ import annotations

import argparse
import json
from typing import Any

from costspan.cli.ask import add_question_options, question, reach
from costspan.cli.table import money_text, render_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `anomalies`."""
    parser.add_argument("--by", default="feature", help="dimensions, comma-separated (default: feature)")
    parser.add_argument("--sensitivity", help="3 unless said: lower tells more, higher tells less")
    parser.add_argument("--explain", action="store_true", help="also what the difference is made of, and who is behind")
    parser.add_argument("--limit", type=int, help="only the latest N")
    add_question_options(parser)
    parser.set_defaults(since="7d")


def run(arguments: argparse.Namespace) -> int:
    """Print the anomalies."""
    parameters = [("group_by", arguments.by), *question(arguments)]
    if arguments.sensitivity is not None:
        parameters.append(("sensitivity", arguments.sensitivity))
    if arguments.limit is not None:
        parameters.append(("limit", str(arguments.limit)))
    if arguments.explain:
        parameters.append(("explain", "true"))
    with reach(arguments) as ledger:
        document = ledger.ask("/api/v1/anomalies", parameters)
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif not document["anomalies"]:
        print(f"No anomalies between {document['since']} and {document['until']}, by {arguments.by}.")
    elif arguments.explain:
        print("\n\n".join(_explained(each) for each in document["anomalies"]))
    else:
        _print(document["anomalies"])
    return 0


def _print(anomalies: list[dict[str, Any]]) -> None:
    headers = ["Noticed", "Group", "Cause", "Window", "Expected", "Got"]
    rows = [
        [
            f"{each['first_alarm_at'][:16]}Z",
            _group(each),
            each["cause"],
            each["text"].partition(":")[0].removeprefix("last "),
            money_text(each["expected_usd"]),
            money_text(each["observed_usd"]),
        ]
        for each in anomalies
    ]
    print(render_table(headers, rows, words=4))
    print("\nWhy: --explain. The calls behind one: costspan calls --since ... --where ...")


def _explained(each: dict[str, Any]) -> str:
    lines = [f"{each['first_alarm_at'][:16]}Z  {_group(each)}: {each['cause']}", f"  {each['text']}"]
    why = each["why"]
    if why is not None:
        lines += [f"  {reason}" for reason in why["reasons"]]
        earlier = ", ".join(span["since"][:16] for span in why["compared_with"])
        lines.append(f"  compared with {'the window from ' + earlier if earlier else 'nothing: there was none before'}")
    lines.append(f"  {each['links']['calls']}")
    return "\n".join(lines)


def _group(each: dict[str, Any]) -> str:
    return ", ".join(value or "(not set)" for value in each["group"].values()) or "(all calls)"
