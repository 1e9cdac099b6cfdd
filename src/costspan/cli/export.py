"""`costspan export`: the ledger as files, as FOCUS, or kept up to date in a data warehouse."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

from costspan.cli.ask import ServerLedger, add_question_options, answering_server, data_folder, question
from costspan.cli.download import download
from costspan.cli.table import progress_bar
from costspan.core.clock import system_clock
from costspan.core.errors import Unreachable, UsageError
from costspan.core.period import iso

if TYPE_CHECKING:
    from costspan.pricing.rate_card import RateCard
    from costspan.server.store.export import Stretch, Table, TableSource

_PATH: Final = "/api/v1/export"
_FORMS: Final = ("focus", "parquet", "csv", "jsonl")
Parameters = Sequence[tuple[str, str]]


class _Source(Protocol):
    """Where tables come from."""

    def write(self, parameters: Parameters, target: Path) -> int: ...
    def next_stretch(self, after: datetime | None, most: int) -> Stretch | None: ...


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `export`."""
    parser.add_argument("--format", choices=_FORMS, help="what kind of file (default: by the name, else csv)")
    parser.add_argument(
        "-o", "--output", metavar="PATH", help="file, or s3://... with fsspec (default: standard output)"
    )
    parser.add_argument("--table", choices=("calls", "charges"), default="calls", help="a row for each of these")
    parser.add_argument("--as-of", metavar="WHEN", help="the ledger as it stood then (default: now)")
    parser.add_argument(
        "--to", metavar="URL", help="postgresql://, snowflake:// or bigquery://: add what is new since the last time"
    )
    parser.add_argument(
        "--batch", type=int, default=100_000, metavar="N", help="with --to: about N entries a transaction (%(default)s)"
    )
    add_question_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    if arguments.to:
        return _to_warehouse(arguments)
    is_focus = arguments.format == "focus"
    form = arguments.format if arguments.format and not is_focus else _form_of(arguments.output)
    table = "focus" if is_focus else arguments.table
    parameters = [("table", table), ("format", form), *question(arguments)]
    parameters += [("as_of", arguments.as_of)] if arguments.as_of else []
    with _source(arguments) as source, TemporaryDirectory(prefix="costspan-export-") as folder:
        file = Path(folder) / "rows"
        rows = source.write(parameters, file)
        size = file.stat().st_size
        place = _deliver(file, arguments.output, form)
    if place:
        document = {"file": place, "rows": rows, "bytes": size}
        print(json.dumps(document, indent=2) if arguments.json else f"{place}: {rows:,} rows, {size:,} bytes.")
    return 0


def _form_of(output: str | None) -> str:
    suffix = Path(output).suffix.removeprefix(".") if output else ""
    return suffix if suffix in _FORMS[1:] else "csv"


def _deliver(file: Path, output: str | None, form: str) -> str | None:
    if output is None or output == "-":
        if form == "parquet" and sys.stdout.isatty():
            raise UsageError("Parquet is not for a terminal; name a file with -o")
        with file.open("rb") as rows:
            shutil.copyfileobj(rows, sys.stdout.buffer)
        return None
    if "://" in output:
        _to_object_store(file, output)
        return output
    try:
        # Beside its target first, so that whoever reads the target finds the old file or the new one.
        part = Path(f"{output}.part")
        shutil.copyfile(file, part)
        part.replace(output)
    except OSError as error:
        raise Unreachable(f"{output}: {error.strerror}") from None
    return output


def _to_object_store(file: Path, output: str) -> None:
    import fsspec

    try:
        fsspec.core.url_to_fs(output)[0].put_file(str(file), output)
    except (OSError, ValueError, ImportError) as error:
        raise Unreachable(f"{output}: {error}") from None


def _to_warehouse(arguments: argparse.Namespace) -> int:
    given = [name for name in ("format", "output", "as_of", "since", "until", "where") if getattr(arguments, name)]
    if given:
        raise UsageError(f"--{given[0].replace('_', '-')} does not go with --to, which copies all that was posted")
    if arguments.batch < 1:
        raise UsageError(f"--batch {arguments.batch} is not above 0")
    from costspan.server.assembly import copy_postings

    with _source(arguments) as source, progress_bar("Copying", 1):
        copied = copy_postings(arguments.to, _Fetch(source, arguments.batch))
    document = {
        "entries": copied.entries,
        "charge_entries": copied.charge_entries,
        "posted_to": iso(copied.posted_to) if copied.posted_to else None,
    }
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        print(f"{copied.entries:,} entries and {copied.charge_entries:,} charge lines added.")
    return 0


class _Fetch:
    """Postings for a warehouse."""

    def __init__(self, source: _Source, most: int) -> None:
        self._source = source
        self._most = most

    def next_stretch(self, after: datetime | None) -> Stretch | None:
        return self._source.next_stretch(after, self._most)

    def table(self, table: Table, stretch: Stretch, target: Path) -> int:
        after = [("posted_after", iso(stretch.after))] if stretch.after else []
        return self._source.write([("table", table), *after, ("posted_to", iso(stretch.to))], target)


@contextmanager
def _source(arguments: argparse.Namespace) -> Iterator[_Source]:
    if url := answering_server(arguments):
        yield _Server(url)
        return
    from costspan.server.assembly import open_tables

    with open_tables(data_folder(arguments)) as (tables, card):
        yield _Folder(tables, card)


class _Server:
    """Tables of a running server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def write(self, parameters: Parameters, target: Path) -> int:
        with progress_bar("Exporting", 1) as show:
            headers = download(self._url, "GET", f"{_PATH}?{urlencode(parameters)}", target, show)
        return int(headers.get("Costspan-Rows") or 0)

    def next_stretch(self, after: datetime | None, most: int) -> Stretch | None:
        from costspan.server.store.export import Stretch

        asked = [("most", str(most)), *([("after", iso(after))] if after else [])]
        document: dict[str, Any] = ServerLedger(self._url).ask(f"{_PATH}/postings", asked)
        to = document["posted_to"]
        return Stretch(after, datetime.fromisoformat(to)) if to else None


class _Folder:
    """Tables of a data folder."""

    def __init__(self, tables: TableSource, card: RateCard) -> None:
        self._tables = tables
        self._card = card

    def write(self, parameters: Parameters, target: Path) -> int:
        from costspan.server.exporters.tables import parse_export

        return parse_export(parameters, system_clock()).write(self._tables, self._card, target)

    def next_stretch(self, after: datetime | None, most: int) -> Stretch | None:
        return self._tables.next_stretch(after, most)
