"""`costspan repair`: make a damaged ledger readable again, keep what can be kept, say what cannot."""

from __future__ import annotations

import argparse
from pathlib import Path

from costspan.cli.ask import data_folder


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `repair`."""
    parser.add_argument("--data", type=Path, help="the data folder (default: $COSTSPAN_DATA, then ./costspan-data)")


def run(arguments: argparse.Namespace) -> int:
    """Mend the ledger; 1 when something is lost."""
    from costspan.server.assembly import repair_folder

    folder = data_folder(arguments)
    mended = repair_folder(folder)
    if not mended.aside:
        print(f"The ledger in {folder} is whole; nothing was done.")
        return 0
    if mended.lost_commits:
        print(f"The log was damaged: what came before is kept, the last {mended.lost_commits:,} commits are lost.")
    for table, rows in mended.lost_rows.items():
        print(f"The file was damaged: up to {rows:,} rows of {table} cannot be read and are lost.")
    if mended.is_whole:
        print("The damage is mended; nothing is lost.")
    else:
        print("Senders that still have it can send again: what is here already is recognised.")
    print("The damaged files are kept: " + ", ".join(str(path) for path in mended.aside))
    print("Now look whether it adds up: costspan verify --repair")
    return 0 if mended.is_whole else 1
