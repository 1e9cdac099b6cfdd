"""`costspan prices sync|activate|diff|export`: candidates for the catalogue, compared, archived, activated by hand."""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copytree
from typing import Any, Final

from costspan.cli.ask import data_folder
from costspan.core.clock import system_clock
from costspan.core.errors import ConfigError
from costspan.pricing.catalogue_diff import ModelDifference, differences
from costspan.pricing.check import check_catalogue
from costspan.pricing.versions import BUILT_IN, FOLDER, activate, active, archived, folder_of

INSTALLED: Final = "installed"
NEEDED: Final = "genai-prices>=0.2,<0.3"


def configure_catalogue(actions: Any) -> None:
    """Add the four actions."""
    sync = actions.add_parser("sync", help="make a candidate from genai-prices; shows the diff, activates nothing")
    sync.add_argument(
        "--from",
        dest="origin",
        default=INSTALLED,
        metavar="FILE",
        help="its v2 data.json (default: the installed package)",
    )
    sync.add_argument(
        "--released", type=date.fromisoformat, metavar="DATE", help="when the data was checked (default: today)"
    )
    sync.add_argument(
        "--approve", action="append", default=[], metavar="MODEL", help="provider/model whose large change is right"
    )
    activating = actions.add_parser("activate", help="take prices from an archived version, or from built-in again")
    activating.add_argument("version", metavar="VERSION")
    comparing = actions.add_parser("diff", help="what one version says otherwise than another")
    comparing.add_argument("old", nargs="?", metavar="A", help="default: built-in")
    comparing.add_argument("new", nargs="?", metavar="B", help="default: the active version")
    for parser in (sync, activating, comparing):
        parser.add_argument("--data", type=Path, help="the data folder (default: $COSTSPAN_DATA, then ./costspan-data)")
        parser.add_argument("--json", action="store_true", help="one JSON document")
    exporting = actions.add_parser("export", help="every rate, for other programs")
    exporting.add_argument("--format", choices=("json", "csv"), default="json")


def run_sync(arguments: argparse.Namespace) -> int:
    """Archive a candidate; return 1, with nothing written, while a large change is not approved or a rule is broken."""
    data = data_folder(arguments)
    with tempfile.TemporaryDirectory() as made:
        candidate = Path(made)
        source = _flatten(arguments, candidate)
        found = differences(folder_of(data, active(data)), candidate)
        broken = [each for each in check_catalogue(system_clock(), candidate) if each.error]
        alarms = [each for each in found if each.alarm and each.model not in arguments.approve]
        name = None
        if not broken and not alarms:
            name = f"{source.rpartition(' ')[2]}-{_hash(candidate)}"
            copytree(candidate, data / FOLDER / name, dirs_exist_ok=True)
    said = [f"{each.place}: {each.text}" for each in broken]
    if arguments.json:
        waiting = [each.model for each in alarms]
        print(
            json.dumps(
                {"version": name, "broken": said, "needs_approval": waiting, "models": _documents(found)}, indent=2
            )
        )
    else:
        _print_sync(found, alarms, said, name)
    return 0 if name else 1


def run_activate(arguments: argparse.Namespace) -> int:
    """Activate a version; the ledger is not touched."""
    data = data_folder(arguments)
    activate(data, arguments.version)
    if arguments.json:
        print(json.dumps({"active": arguments.version, "versions": [BUILT_IN, *archived(data)]}, indent=2))
    else:
        print(f"Prices come from {arguments.version} with the next costspan reprice --apply or start of the server.")
        print("To see what that changes: costspan reprice --dry-run")
    return 0


def run_diff(arguments: argparse.Namespace) -> int:
    """Print what differs; return 1 when something does."""
    data = data_folder(arguments)
    old, new = arguments.old or BUILT_IN, arguments.new or active(data)
    found = differences(folder_of(data, old), folder_of(data, new))
    if arguments.json:
        print(json.dumps({"old": old, "new": new, "models": _documents(found)}, indent=2))
    else:
        _print(found)
        print(f"{len(found)} models differ between {old} and {new}.")
    return 1 if found else 0


def print_rates(rates: Sequence[dict[str, Any]], version: str, form: str) -> None:
    """Print every rate: one JSON document, or CSV with a line for each price."""
    if form == "json":
        print(json.dumps({"version": version, "rates": rates}, indent=2))
        return
    columns = ("provider", "model", "mode", "valid_from", "valid_to", "layer", "basis", "source", "checked")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*columns, "unit", "over_input_tokens", "price_usd", "per"])
    for rate in rates:
        for unit, steps in rate["prices"].items():
            for over, price in zip(rate["over_input_tokens"], steps, strict=False):
                writer.writerow([*(rate[name] for name in columns), unit, over, price, rate["per"][unit]])


def _flatten(arguments: argparse.Namespace, into: Path) -> str:
    try:
        from costspan.pricing.flatten_genai_prices import providers_of_file, write_catalogue
    except ModuleNotFoundError as missing:
        if missing.name != "genai_prices":
            raise
        raise ConfigError(f"prices sync reads the data of genai-prices: pip install '{NEEDED}'") from None
    from importlib.metadata import version

    released = arguments.released or system_clock().date()
    if arguments.origin == INSTALLED:
        from genai_prices.data import providers

        source = f"genai-prices {version('genai-prices')}"
    else:
        providers = providers_of_file(Path(arguments.origin))
        source = f"genai-prices {released:%Y%m%d}"
    write_catalogue(providers, into, source=source, released=released)
    return source


def _hash(folder: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(folder.glob("*.toml")):
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()[:8]


def _print_sync(
    found: list[ModelDifference], alarms: list[ModelDifference], broken: list[str], name: str | None
) -> None:
    _print(found)
    for text in broken:
        print(f"breaks a rule: {text}")
    if name:
        print(
            f"{len(found)} models differ. Archived as {name}; to take prices from it: costspan prices activate {name}"
        )
        return
    print("Nothing was archived.", *(["Correct the data first."] if broken else []))
    if alarms:
        print("If these changes are right: costspan prices sync", *(f"--approve {each.model}" for each in alarms))


def _print(found: Iterable[ModelDifference]) -> None:
    for each in found:
        print(f"{each.kind:<8} {each.model}" + (f"  [needs approval: {each.alarm}]" if each.alarm else ""))
        for place, old, new in each.prices:
            print(f"           {place}: {_price(old)} -> {_price(new)}")


def _documents(found: Iterable[ModelDifference]) -> list[dict[str, Any]]:
    return [
        {
            "model": each.model,
            "kind": each.kind,
            "needs_approval": each.alarm,
            "prices": [{"rate": rate, "old": _text(old), "new": _text(new)} for rate, old, new in each.prices],
        }
        for each in found
    ]


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


def _price(price: Decimal | None) -> str:
    return _text(price) or "none"
