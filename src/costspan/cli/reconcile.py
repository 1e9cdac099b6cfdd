"""`costspan reconcile`: the ledger beside a provider's bill, and what the difference is made of."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from costspan.cli.ask import ServerLedger, add_source_options, answering_server, data_folder
from costspan.cli.reconcile_text import print_list, print_verdict
from costspan.cli.table import progress_bar
from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.core.period import Period, iso

if TYPE_CHECKING:
    from costspan.server.reconciliation.settings import BillSettings
    from costspan.server.store.reconciliations import Sheet, SheetMark

Document = dict[str, Any]
_PATH: Final = "/api/v1/reconciliations"
_PATIENCE_S: Final = 600


class Books(Protocol):
    """A ledger that can be compared with bills: a server's, or a folder's in this process."""

    def sheet_marks(self, provider: str, period: Period) -> Sequence[SheetMark]: ...
    def put_sheet(self, sheet: Sheet) -> None: ...
    def judge(self, provider: str, month: str, source: str) -> Document: ...
    def all(self) -> Document: ...
    def one(self, reconciliation_id: str) -> Document: ...


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `reconcile`."""
    parser.add_argument(
        "provider", nargs="?", metavar="PROVIDER", help="whose bill: openai, anthropic, openrouter, ..."
    )
    parser.add_argument("--month", metavar="YYYY-MM", help="which month (default: the last whole one)")
    parser.add_argument("--bill", type=Path, metavar="FILE", help="a FOCUS, AWS CUR or BigQuery export, CSV or Parquet")
    parser.add_argument("--list", action="store_true", help="every verdict so far, the latest first")
    parser.add_argument("--show", metavar="ID", help="one verdict again")
    parser.add_argument("--limit", type=float, metavar="SHARE", help="exit with 1 above this drift, as in 0.05")
    parser.add_argument("--patch", type=Path, metavar="FILE", help="write the proposed prices there, as YAML")
    parser.add_argument("--config", type=Path, metavar="FILE", help="costspan.yaml (default: the data folder's)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fetch what is missing of the bill, compare, print; return 1 when the drift is above the limit."""
    with _books(arguments) as books:
        if arguments.list:
            document = books.all()
            print(json.dumps(document, indent=2)) if arguments.json else print_list(document)
            return 0
        if arguments.show:
            document = books.one(arguments.show)
        elif arguments.provider:
            document = _reconcile(arguments, books)
        else:
            raise UsageError("name a provider, as in: costspan reconcile openai --month 2026-10, or --list")
    if arguments.patch and document["patch"]:
        arguments.patch.write_text(document["patch"], encoding="utf-8")
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print_verdict(document, arguments.patch)
    return 1 if _is_beyond(document, arguments.limit) else 0


def _is_beyond(document: Document, limit: float | None) -> bool:
    if limit is None:
        return bool(document["state"] == "drift")
    shares = [abs(float(document[key] or 0)) for key in ("net_share", "gross_share")]
    return document["state"] != "provisional" and max(shares) > limit


def _reconcile(arguments: argparse.Namespace, books: Books) -> Document:
    from costspan.server.reconciliation.collect import FROM_API, FROM_FILE, collect
    from costspan.server.reconciliation.documents import month_of
    from costspan.server.reconciliation.reconciler import reader_of
    from costspan.server.reconciliation.sources import API_SOURCES

    now = system_clock()
    month = month_of(arguments.month, now)
    name = f"{month.since:%Y-%m}"
    if arguments.bill:
        books.put_sheet(_sheet_of(arguments.provider, arguments.bill, month, now))
        return books.judge(arguments.provider, name, FROM_FILE)
    with (
        reader_of(arguments.provider, _settings(arguments)) as fetch,
        progress_bar(f"Reading {arguments.provider}'s bill", 1) as show,
    ):
        collect(API_SOURCES[arguments.provider], fetch, books, month, now, show)
    return books.judge(arguments.provider, name, FROM_API)


def _settings(arguments: argparse.Namespace) -> BillSettings:
    from costspan.server.config import read_settings, settings_file
    from costspan.server.reconciliation.settings import settings_for

    configured = read_settings(settings_file(data_folder(arguments), arguments.config)).reconcile
    return settings_for(arguments.provider, configured)


def _sheet_of(provider: str, file: Path, month: Period, now: datetime) -> Sheet:
    from costspan.server.reconciliation.collect import FROM_FILE
    from costspan.server.reconciliation.sources import FILE_SOURCES
    from costspan.server.reconciliation.sources.base import packed
    from costspan.server.store.duckdb.bill_files import read_bill_file
    from costspan.server.store.reconciliations import Sheet

    form, rows = read_bill_file(file, [source.form for source in FILE_SOURCES.values()])
    return Sheet(provider=provider, source=FROM_FILE, report=form, period=month, fetched_at=now, body=packed(rows))


@contextmanager
def _books(arguments: argparse.Namespace) -> Iterator[Books]:
    """Open what the options name: a running server, else the data folder."""
    if url := answering_server(arguments):
        yield _Server(url)
        return
    from costspan.server.assembly import open_reconciler

    with open_reconciler(data_folder(arguments), arguments.config) as reconciler:
        yield _Folder(reconciler)


class _Server:
    def __init__(self, url: str) -> None:
        self._ledger = ServerLedger(url, _PATIENCE_S)

    def sheet_marks(self, provider: str, period: Period) -> Sequence[SheetMark]:
        from costspan.server.store.reconciliations import SheetMark

        asked = [("provider", provider), ("month", f"{period.since:%Y-%m}")]
        return [
            SheetMark(
                source=each["source"],
                report=each["report"],
                period=Period(_moment(each["since"]), _moment(each["until"])),
                fetched_at=_moment(each["fetched_at"]),
            )
            for each in self._ledger.ask(f"{_PATH}/sheets", asked)["sheets"]
        ]

    def put_sheet(self, sheet: Sheet) -> None:
        self._ledger.post(
            f"{_PATH}/sheets",
            {
                "provider": sheet.provider,
                "source": sheet.source,
                "report": sheet.report,
                "since": iso(sheet.period.since),
                "until": iso(sheet.period.until),
                "fetched_at": iso(sheet.fetched_at),
                "body": base64.b64encode(sheet.body).decode(),
            },
        )

    def judge(self, provider: str, month: str, source: str) -> Document:
        return self._ledger.post(_PATH, {"provider": provider, "month": month, "source": source})

    def all(self) -> Document:
        return self._ledger.ask(_PATH)

    def one(self, reconciliation_id: str) -> Document:
        return self._ledger.ask(f"{_PATH}/{reconciliation_id}")


class _Folder:
    def __init__(self, reconciler: Any) -> None:
        self._reconciler = reconciler

    def sheet_marks(self, provider: str, period: Period) -> Sequence[SheetMark]:
        found: Sequence[SheetMark] = self._reconciler.sheet_marks(provider, period)
        return found

    def put_sheet(self, sheet: Sheet) -> None:
        self._reconciler.put_sheet(sheet)

    def judge(self, provider: str, month: str, source: str) -> Document:
        from costspan.server.reconciliation.documents import judge

        return judge(self._reconciler, {"provider": provider, "month": month, "source": source}, system_clock())

    def all(self) -> Document:
        from costspan.server.reconciliation.documents import list_document

        return list_document(self._reconciler)

    def one(self, reconciliation_id: str) -> Document:
        document: Document = self._reconciler.one(reconciliation_id).document
        return document


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
