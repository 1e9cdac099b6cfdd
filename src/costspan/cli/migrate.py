"""`costspan migrate`: the ledger from its file into ClickHouse, resumable, counted on both sides."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from costspan.cli.table import money_text, progress_bar
from costspan.core.errors import UsageError
from costspan.core.money import usd_text

_FROM: Final = "duckdb://"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `migrate`."""
    parser.add_argument("--from", dest="origin", required=True, metavar="duckdb://DIR", help="the data folder")
    parser.add_argument(
        "--to", dest="destination", required=True, metavar="URL", help="clickhouse://user:password@host:8123/database"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Copy what is not there yet, then compare rows and dollars."""
    if not arguments.origin.startswith(_FROM):
        raise UsageError(f"--from: {_FROM}DIR is expected, DIR being the data folder")
    from costspan.server.assembly import migrate_ledger

    with progress_bar("Migrating", 1) as show:
        held = migrate_ledger(Path(arguments.origin.removeprefix(_FROM)), arguments.destination, show)
    cost_usd = usd_text(held.calls_cost)
    if arguments.json:
        print(json.dumps({"rows": dict(held.rows), "cost_usd": cost_usd}, indent=2))
    else:
        print(f"{held.rows['calls']:,} entries of calls, {money_text(cost_usd)}: both ledgers hold the same.")
    return 0
