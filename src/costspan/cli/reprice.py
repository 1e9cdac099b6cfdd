"""`costspan reprice`: what changed prices change in the ledger; apply it, finish it, undo it (accounting rule 9)."""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

from costspan.cli.ask import ServerLedger, add_source_options, answering_server, data_folder
from costspan.cli.table import count_text, money_text, print_table, progress_bar, render_table
from costspan.core.clock import system_clock
from costspan.core.errors import CostspanError, UsageError

Document = dict[str, Any]
_EVERY_S: Final = 0.5
_PATIENCE_S: Final = 3600
_HEADERS: Final = ("Month", "Model", "Calls", "Before", "After", "Difference", "Newly priced", "Newly unpriced")


class Repricer(Protocol):
    """Does what a request says and tells about runs: a server, or the data folder in this process."""

    def do(self, request: Document) -> Document:
        """Return the document of `POST /api/v1/reprice`."""

    def runs(self) -> Document:
        """Return the document of `GET /api/v1/reprice`."""

    def unpriced(self, since: str | None, until: str | None) -> Document:
        """Return the document of `GET /api/v1/prices/unpriced`."""

    def map(self, request: Document) -> Document:
        """Return the document of `POST /api/v1/prices/map`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `reprice`."""
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--dry-run", action="store_true", help="show what would change, by model and month")
    chosen.add_argument("--apply", action="store_true", help="correct the ledger; every line stays in its history")
    chosen.add_argument("--resume", metavar="ID", help="finish a run that was cut off")
    chosen.add_argument("--undo", metavar="ID", help="restore what a run corrected, to the last digit")
    chosen.add_argument("--list", action="store_true", help="every run, the latest first")
    parser.add_argument("--since", help="only calls from then on: 2026-11-01, 2026-10 (a month), 7d (default: all)")
    parser.add_argument("--until", help="only calls before; a day or a month includes all of it")
    parser.add_argument("--where", action="append", default=[], metavar="KEY:VALUE", help="only calls with this value")
    parser.add_argument("--config", type=Path, metavar="FILE", help="costspan.yaml, where no server runs")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it and say what came of it."""
    with reach_repricer(arguments) as repricer:
        if arguments.list:
            document = repricer.runs()
        else:
            with _progress(repricer, watched=not arguments.dry_run):
                document = repricer.do(_request(arguments))
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif arguments.list:
        _print_runs(document["runs"])
    elif arguments.undo:
        _print_undone(document)
    else:
        print_plan(document)
    return 0


@contextmanager
def reach_repricer(arguments: argparse.Namespace) -> Iterator[Repricer]:
    """Open what the options name: a running server, else the data folder."""
    if url := answering_server(arguments):
        if arguments.config:
            raise UsageError("--config is read where no server runs; a server reads its own costspan.yaml again")
        yield _Server(url)
        return
    from costspan.server.assembly import open_repricing

    with open_repricing(data_folder(arguments), arguments.config) as repricing:
        yield _Folder(repricing)


class _Server:
    def __init__(self, url: str) -> None:
        self._ledger = ServerLedger(url, _PATIENCE_S)

    def do(self, request: Document) -> Document:
        return self._ledger.post("/api/v1/reprice", request)

    def runs(self) -> Document:
        return self._ledger.ask("/api/v1/reprice")

    def unpriced(self, since: str | None, until: str | None) -> Document:
        said = (("since", since), ("until", until))
        return self._ledger.ask("/api/v1/prices/unpriced", [(key, value) for key, value in said if value])

    def map(self, request: Document) -> Document:
        return self._ledger.post("/api/v1/prices/map", request)


class _Folder:
    def __init__(self, repricing: Any) -> None:
        self._repricing = repricing

    def do(self, request: Document) -> Document:
        from costspan.server.analytics.repricing import reprice_document

        return reprice_document(self._repricing, request, system_clock())

    def runs(self) -> Document:
        from costspan.server.analytics.repricing import runs_document

        return runs_document(self._repricing)

    def unpriced(self, since: str | None, until: str | None) -> Document:
        from costspan.server.analytics.unpriced import unpriced_document

        return unpriced_document(self._repricing, since, until, system_clock())

    def map(self, request: Document) -> Document:
        from costspan.server.analytics.unpriced import map_document

        return map_document(self._repricing, request)


def _request(arguments: argparse.Namespace) -> Document:
    if run_id := arguments.undo or arguments.resume:
        if arguments.since or arguments.until or arguments.where:
            raise UsageError("a run is undone or finished as a whole: leave --since, --until and --where out")
        return {"action": "undo" if arguments.undo else "resume", "run_id": run_id}
    for condition in arguments.where:
        if ":" not in condition:
            raise UsageError(f"--where {condition!r} is not KEY:VALUE, as in team:search")
    said = {"since": arguments.since, "until": arguments.until, "where": arguments.where or None}
    request = {"action": "dry-run" if arguments.dry_run else "apply"}
    return request | {key: value for key, value in said.items() if value}


@contextmanager
def _progress(repricer: Repricer, *, watched: bool) -> Iterator[None]:
    """Show how far the work under way has come, by asking now and then."""
    done = threading.Event()
    with progress_bar("Re-pricing", 1) as show:
        watcher = threading.Thread(target=_watch, args=(repricer, show, done), daemon=True)
        if watched:
            watcher.start()
        try:
            yield
        finally:
            done.set()
            if watched:
                watcher.join()


def _watch(repricer: Repricer, show: Callable[[float], None], done: threading.Event) -> None:
    while not done.wait(_EVERY_S):
        with suppress(CostspanError):
            if under_way := repricer.runs()["progress"]:
                show(under_way["done_entries"] / max(1, under_way["planned_entries"]))


def print_plan(document: Document) -> None:
    """Print the change by month and model, and what was done about it."""
    if not document["changed_entries"]:
        print(
            f"Nothing to change: {document['examined_entries']:,} entries agree with prices {document['card_version']}."
        )
        return
    rows = [[row["month"], row["model"] or "(no name)", *_figures(row)] for row in document["rows"]]
    print_table(_HEADERS, rows, ["Total", "", *_figures(document["total"])], words=2)
    entries = f"{document['changed_entries']:,} of {document['examined_entries']:,} entries"
    if uncounted := document["total"]["uncounted_entries"]:
        entries += f" ({uncounted:,} of them duplicates or sums, which count nowhere)"
    print(f"\n{entries} differ under prices {document['card_version']}.")
    if run := document.get("run"):
        print(f"Corrected {document['corrected_entries']:,} as run {run['run_id']}; to go back: ", end="")
        print(f"costspan reprice --undo {run['run_id']}")
    elif document["action"] == "dry-run":
        print("Nothing was changed; to correct the ledger: costspan reprice --apply")


def _figures(row: Document) -> list[str]:
    costs = [money_text(row[key]) for key in ("old_cost_usd", "new_cost_usd", "difference_usd")]
    return [
        count_text(row["calls"]),
        *costs,
        *(count_text(row[f"newly_{kind}_calls"]) for kind in ("priced", "unpriced")),
    ]


def _print_undone(document: Document) -> None:
    run = document["run"]
    print(f"Run {run['run_id']} is undone: {document['restored_entries']:,} entries are as they were before it.")
    if document["left_entries"]:
        print(f"{document['left_entries']:,} had been settled anew since, from later telemetry, and stay as they are.")


def _print_runs(runs: list[Document]) -> None:
    if not runs:
        print("The ledger was never re-priced.")
        return
    headers = ("Run", "State", "Started", "Entries", "Difference")
    rows = [
        [
            run["run_id"],
            run["state"],
            run["started_at"][:19],
            count_text(run["corrected_entries"]),
            money_text(run["difference_usd"]),
        ]
        for run in runs
    ]
    print(render_table(headers, rows, words=3))
