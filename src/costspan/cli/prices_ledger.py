"""`costspan prices unpriced|map`: models of the ledger that no price list has, and giving one another's price."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from costspan.cli.ask import add_source_options
from costspan.cli.reprice import print_plan, reach_repricer
from costspan.cli.table import count_text, print_table


def configure_unpriced(parser: argparse.ArgumentParser) -> None:
    """Add the options of `prices unpriced`."""
    parser.add_argument("--since", help="only calls from then on: 2026-11-01, 2026-10 (a month), 7d (default: all)")
    parser.add_argument("--until", help="only calls before; a day or a month includes all of it")
    _add_common(parser)


def configure_map(parser: argparse.ArgumentParser) -> None:
    """Add the options of `prices map`."""
    parser.add_argument("model", metavar="MODEL", help="the name as sent")
    parser.add_argument("--to", required=True, metavar="PROVIDER/MODEL", help="whose price it takes: openai/gpt-5")
    parser.add_argument("--provider", help="whose calls, where they do not name exactly one provider")
    _add_common(parser)


def run_unpriced(arguments: argparse.Namespace) -> int:
    """Print the models without a price; return 1 when there are any."""
    with reach_repricer(arguments) as repricer:
        document = repricer.unpriced(arguments.since, arguments.until)
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif not document["models"]:
        print(f"Every call that succeeded has a price under {document['card_version']}.")
    else:
        _print(document["models"])
    return 1 if document["models"] else 0


def run_map(arguments: argparse.Namespace) -> int:
    """Write the overlay, re-price the calls it is for, and say what changed."""
    request = {"model": arguments.model, "to": arguments.to}
    with reach_repricer(arguments) as repricer:
        document = repricer.map(request | ({"provider": arguments.provider} if arguments.provider else {}))
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    said = ", ".join(f"{key}: {value}" for key, value in document["overlay"].items())
    print(f"Added to {document['file']}: {{{said}}}\n")
    print_plan(document)
    return 0


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="costspan.yaml, where no server runs")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def _print(models: list[dict[str, Any]]) -> None:
    headers = ("Model", "Provider", "Nearest known", "Last seen", "Calls", "Tokens")
    rows = [
        [
            each["model"] or "(no name)",
            each["provider"] or "(not named)",
            ", ".join(each["nearest"][:2]),
            each["last_seen"][:10],
            count_text(each["calls"]),
            count_text(each["tokens"]),
        ]
        for each in models
    ]
    calls, tokens = (count_text(sum(each[key] for each in models)) for key in ("calls", "tokens"))
    print_table(headers, rows, ["Total", "", "", "", calls, tokens], words=4)
    print("\nTo give one another's price: costspan prices map MODEL --to PROVIDER/MODEL")
