"""`costspan restore`: put a backup where the ledger belongs. What was there is put aside, never overwritten."""

from __future__ import annotations

import argparse
from pathlib import Path

from costspan.cli.ask import data_folder
from costspan.cli.table import money_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `restore`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what costspan backup wrote")
    parser.add_argument("--data", type=Path, help="the data folder (default: $COSTSPAN_DATA, then ./costspan-data)")
    parser.add_argument("--replace", action="store_true", help="put a ledger that is there aside")


def run(arguments: argparse.Namespace) -> int:
    """Check the backup, put it in place, say what it holds."""
    from costspan.server.analytics.upkeep import manifest_document
    from costspan.server.assembly import restore_folder

    folder = data_folder(arguments)
    manifest, aside = restore_folder(arguments.file, folder, replaces=arguments.replace)
    held = manifest_document(manifest)
    print(f"{folder} holds {held['rows']['calls']:,} entries of calls, {money_text(held['cost_usd'])}, and adds up.")
    if aside is not None:
        print(f"The ledger that was there is kept as {aside}.")
    return 0
