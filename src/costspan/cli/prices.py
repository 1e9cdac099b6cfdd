"""`costspan prices`: the catalogue as it is, whether it obeys its rules, and what the ledger finds missing in it.

`list`, `check` and `export` work in the bare install; what asks the ledger is in `prices_ledger`, what makes and
compares versions in `prices_catalogue`.
"""

from __future__ import annotations

import argparse
import json
from typing import Final

from costspan.cli.prices_catalogue import configure_catalogue, print_rates, run_activate, run_diff, run_sync
from costspan.cli.prices_ledger import configure_map, configure_unpriced, run_map, run_unpriced
from costspan.core.clock import system_clock
from costspan.pricing.check import check_catalogue
from costspan.pricing.load import load_rate_card
from costspan.pricing.rate_list import rate_documents


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every rate: provider, model, mode, interval, prices, source")
    listing.add_argument("--provider", help="only this provider")
    listing.add_argument("--model", metavar="TEXT", help="only models whose name contains this")
    listing.add_argument("--json", action="store_true", help="one JSON document")
    checking = actions.add_parser("check", help="rules every rate obeys; exit code 1 when one does not")
    checking.add_argument("--json", action="store_true", help="one JSON document")
    configure_unpriced(actions.add_parser("unpriced", help="models of the ledger without a price; exit code 1 if any"))
    configure_catalogue(actions)
    configure_map(actions.add_parser("map", help="give a model the price of another and re-price its calls"))


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; `check` returns 1 when a rule is broken, `unpriced` when a model has no price."""
    match arguments.action:
        case "list":
            return _list(arguments)
        case "check":
            return _check(as_json=arguments.json)
        case "export":
            card = load_rate_card()
            print_rates(rate_documents(card), card.version, arguments.format)
            return 0
        case action:
            return _ACTIONS[action](arguments)


_ACTIONS: Final = {
    "unpriced": run_unpriced,
    "map": run_map,
    "sync": run_sync,
    "activate": run_activate,
    "diff": run_diff,
}


def _list(arguments: argparse.Namespace) -> int:
    card = load_rate_card()
    found = rate_documents(card, arguments.provider, arguments.model)
    if arguments.json:
        print(json.dumps({"version": card.version, "rates": found}, indent=2))
        return 0
    for rate in found:
        interval = f"{rate['valid_from'] or 'always'} .. {rate['valid_to'] or ''}".rstrip(" .")
        prices = ", ".join(f"{unit} {'/'.join(steps)}" for unit, steps in rate["prices"].items()) or rate["from_model"]
        layer = "" if rate["layer"] == "built-in" else f" [{rate['layer']}]"
        print(f"{rate['provider']}/{rate['model']}  {rate['mode']}  {interval}  {prices}{layer}")
    print(f"{len(found)} rates, price list {card.version}")
    return 0


def _check(*, as_json: bool) -> int:
    findings = check_catalogue(system_clock())
    errors = sum(finding.error for finding in findings)
    if as_json:
        said = [{"error": each.error, "place": each.place, "text": each.text} for each in findings]
        print(json.dumps({"version": load_rate_card().version, "errors": errors, "findings": said}, indent=2))
    else:
        for each in findings:
            print(f"{'error' if each.error else 'note '}  {each.place}: {each.text}")
        print(f"{errors} errors, {len(findings) - errors} notes, price list {load_rate_card().version}")
    return 1 if errors else 0
