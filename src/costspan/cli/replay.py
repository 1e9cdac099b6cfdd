"""`costspan replay`: read received telemetry again, in the words known today, and correct what is read otherwise."""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from costspan.cli.ask import ServerLedger, add_source_options, answering_server, data_folder
from costspan.cli.table import money_text, progress_bar
from costspan.core.clock import system_clock
from costspan.core.errors import CostspanError, UsageError

Document = dict[str, Any]
_EVERY_S: Final = 0.5
_PATIENCE_S: Final = 3600


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `replay`."""
    parser.add_argument("--since", help="only records from then on: 2026-11-01, 2026-10 (a month), 7d (default: all)")
    parser.add_argument("--until", help="only records before; a day or a month includes all of it")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--config", type=Path, metavar="FILE", help="costspan.yaml, where no server runs")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read again and say what came of it."""
    said = {"since": arguments.since, "until": arguments.until}
    request = {"dry_run": arguments.dry_run} | {key: value for key, value in said.items() if value}
    with progress_bar("Reading again", 1) as show:
        document = _replay(arguments, request, show)
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        _print(document)
    return 0


def _replay(arguments: argparse.Namespace, request: Document, show: Callable[[float], None]) -> Document:
    if url := answering_server(arguments):
        if arguments.config:
            raise UsageError("--config is read where no server runs; a server reads its own costspan.yaml again")
        return _on_server(ServerLedger(url, _PATIENCE_S), request, show)
    from costspan.server.analytics.upkeep import replay_document
    from costspan.server.assembly import open_replay

    with open_replay(data_folder(arguments), arguments.config) as replay:
        return replay_document(replay, request, system_clock(), show)


def _on_server(ledger: ServerLedger, request: Document, show: Callable[[float], None]) -> Document:
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY_S):
            with suppress(CostspanError):
                show(ledger.ask("/api/v1/replay")["share_done"] or 0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return ledger.post("/api/v1/replay", request)
    finally:
        done.set()
        watcher.join()


def _print(document: Document) -> None:
    if not document["records"]:
        print("There are no received records of that time; retention: raw says how long they are kept.")
        return
    changes = {
        "calls that were not known": document["new_calls"],
        "calls read otherwise": document["changed_calls"],
        "records that are no calls any more": document["lost_calls"],
    }
    said = ", ".join(f"{count:,} {what}" for what, count in changes.items() if count)
    print(f"{document['records']:,} records read again: {said or 'all of them as before'}.")
    if not said:
        return
    costs = [money_text(document[f"{name}_usd"]) for name in ("cost_before", "cost_after", "difference")]
    print("What they cost: {} before, {} after, a difference of {}.".format(*costs))
    print(
        "Nothing was changed; to correct the ledger: costspan replay"
        if document["dry_run"]
        else "The ledger is corrected."
    )
