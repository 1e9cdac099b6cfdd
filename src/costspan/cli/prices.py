"""`costspan prices`: the catalogue as it is, whether it obeys its rules, and what the ledger finds missing in it.

`list`, `check` and `export` work in the bare install; what asks the ledger is in `prices_ledger`, what makes and
compares versions in `prices_catalogue`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any, Final

from costspan.cli.prices_catalogue import configure_catalogue, print_rates, run_activate, run_diff, run_sync
from costspan.cli.prices_ledger import configure_map, configure_unpriced, run_map, run_unpriced
from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.core.period import iso
from costspan.core.units import Unit
from costspan.pricing.check import check_catalogue
from costspan.pricing.load import built_in, load_rate_card, patched, profiles
from costspan.pricing.providers import provider_id
from costspan.pricing.rate_card import PER, PriceEntry, RateRow


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
            rates = [_document(entry, row) for entry, row in _rows(None, None)]
            print_rates(rates, load_rate_card().version, arguments.format)
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
    found = [_document(entry, row) for entry, row in _rows(arguments.provider, arguments.model)]
    if arguments.json:
        print(json.dumps({"version": load_rate_card().version, "rates": found}, indent=2))
        return 0
    for rate in found:
        interval = f"{rate['valid_from'] or 'always'} .. {rate['valid_to'] or ''}".rstrip(" .")
        prices = ", ".join(f"{unit} {'/'.join(steps)}" for unit, steps in rate["prices"].items()) or rate["from_model"]
        layer = "" if rate["layer"] == "built-in" else f" [{rate['layer']}]"
        print(f"{rate['provider']}/{rate['model']}  {rate['mode']}  {interval}  {prices}{layer}")
    print(f"{len(found)} rates, price list {load_rate_card().version}")
    return 0


def _rows(provider: str | None, model: str | None) -> Iterator[tuple[PriceEntry, RateRow]]:
    chosen = provider_id(provider, profiles(), frozenset()) if provider else None
    if chosen and chosen not in profiles():
        raise UsageError(f"no price list of {provider!r}; there are {', '.join(sorted(profiles()))}")
    for each in [chosen] if chosen else sorted(profiles()):
        for listed in (built_in(each), patched(each)):
            for entry in listed.entries if listed else ():
                if not model or model.lower() in entry.model.lower():
                    yield from ((entry, row) for row in entry.rows)


def _document(entry: PriceEntry, row: RateRow) -> dict[str, Any]:
    taken = "free" if row.free else f"as {row.alias_of.provider}/{row.alias_of.model}" if row.alias_of else None
    return {
        "provider": entry.provider,
        "model": entry.model,
        "mode": row.mode,
        "valid_from": iso(row.valid_from) if row.valid_from else None,
        "valid_to": iso(row.valid_to) if row.valid_to else None,
        "over_input_tokens": [0, *row.over_input_tokens],
        "prices": {str(unit): [f"{price:f}" for price in steps] for unit, steps in row.prices.items()},
        "per": {str(unit): PER[Unit(unit)] for unit in row.prices},
        "from_model": taken,
        "layer": str(entry.layer),
        "basis": row.basis,
        "source": row.source,
        "checked": row.checked,
        "reason": row.reason,
    }


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
