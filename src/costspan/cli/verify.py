"""`costspan verify`: does the ledger add up? Charges to calls, reversals to what they take back, roll-ups to rows."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from costspan.cli.ask import ServerLedger, add_source_options, answering_server, data_folder
from costspan.cli.table import progress_bar, render_table
from costspan.core.errors import UsageError

_PATIENCE_S: Final = 3600


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `verify`."""
    parser.add_argument("--repair", action="store_true", help="make roll-ups that differ from their rows anew")
    parser.add_argument("--config", type=Path, metavar="FILE", help="costspan.yaml, where no server runs")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look, say what was found; 1 when something does not add up."""
    document = _look(arguments)
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        _print(document)
    return 0 if document["well"] else 1


def _look(arguments: argparse.Namespace) -> dict[str, Any]:
    request = {"repair": arguments.repair}
    if url := answering_server(arguments):
        if arguments.config:
            raise UsageError("--config is read where no server runs; a server has its own costspan.yaml")
        return ServerLedger(url, _PATIENCE_S).post("/api/v1/verify", request)
    from costspan.server.analytics.upkeep import verify_document
    from costspan.server.assembly import open_caretaker

    with open_caretaker(data_folder(arguments), arguments.config) as caretaker, progress_bar("Verifying", 1) as show:
        return verify_document(caretaker, request, show)


def _print(document: dict[str, Any]) -> None:
    if document["well"]:
        print(f"{document['entries']:,} entries: charges, reversals and roll-ups all add up.")
        return
    rows = [[found["day"], found["what"], f"{found['rows']:,}"] for found in document["findings"]]
    print(render_table(("Day", "What", "Rows"), rows, words=2))
    if days := document["repaired_days"]:
        print(f"\nRoll-ups of {', '.join(days)} were made anew from their rows; verify again to see them add up.")
    elif all(found["rolled_up"] for found in document["findings"]):
        print("\nThe rows themselves add up; to make the roll-ups anew: costspan verify --repair")
    else:
        print("\nRows were changed outside costspan, or the disk damaged them: restore a backup.")
