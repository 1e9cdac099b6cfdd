"""Where a reading command gets its answers: a running server, or the data folder itself.

Both give the documents of the HTTP API, so a command does not know which one it talks to. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import CostspanError, NotFound, Unreachable, UsageError
from costspan.core.period import iso, parse_period

if TYPE_CHECKING:
    from costspan.server.reader import Reader

DEFAULT_URL: Final = "http://127.0.0.1:4318"
DEFAULT_DATA: Final = "costspan-data"
Parameters = Sequence[tuple[str, str]]


class Ledger(Protocol):
    """Answers questions; `place` says in words where it reads."""

    @property
    def place(self) -> str: ...

    def ask(self, path: str, parameters: Parameters = ()) -> dict[str, Any]:
        """Return the JSON document of `path`. Raise UsageError for a wrong question, Unreachable when none answers."""


@dataclass(frozen=True, slots=True)
class ServerLedger:
    """A running server, over HTTP."""

    url: str
    timeout_s: float = 30

    @property
    def place(self) -> str:
        """The server's address."""
        return self.url

    def ask(self, path: str, parameters: Parameters = ()) -> dict[str, Any]:
        """Return the JSON document of `path`."""
        return self._exchange("GET", path, f"?{urlencode(parameters)}" if parameters else "")

    def post(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON document that answers `request`, sent as JSON."""
        return self._exchange("POST", path, body=json.dumps(request))

    def _exchange(self, method: str, path: str, query: str = "", body: str | None = None) -> dict[str, Any]:
        headers = authorization() | ({"Content-Type": "application/json"} if body else {})
        link = connect(self.url, self.timeout_s)
        try:
            link.request(method, f"{urlsplit(self.url).path.rstrip('/')}{path}{query}", body, headers)
            response = link.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            raise Unreachable(
                f"no costspan server answers at {self.url} ({error}); start one: costspan serve"
            ) from None
        finally:
            link.close()
        return answer_document(self.url, path, response.status, answer)


@dataclass(frozen=True, slots=True)
class FolderLedger:
    """A data folder, opened read-only in this process."""

    folder: Path
    reader: Reader

    @property
    def place(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def ask(self, path: str, parameters: Parameters = ()) -> dict[str, Any]:
        """Return the JSON document of `path`."""
        return self.reader.ask(path, parameters)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add `--url` and `--data`."""
    parser.add_argument("--url", help=f"a running server (default: $COSTSPAN_URL, then {DEFAULT_URL})")
    parser.add_argument("--data", type=Path, help=f"a data folder (default: $COSTSPAN_DATA, then ./{DEFAULT_DATA})")


def add_question_options(parser: argparse.ArgumentParser) -> None:
    """Add what every reading command takes: `--since --until --where --json --url --data`."""
    parser.add_argument("--since", help="start: 2026-11-01, 2026-10 (a month), 7d, 24h (default: 30d)")
    parser.add_argument("--until", help="end; a day or a month includes all of it (default: now)")
    parser.add_argument("--where", action="append", default=[], metavar="KEY:VALUE", help="only calls with this value")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def question(arguments: argparse.Namespace, clock: Clock = system_clock) -> list[tuple[str, str]]:
    """Return `since`, `until` and `filter` parameters for the options; raise UsageError where one makes no sense."""
    period = parse_period(arguments.since, arguments.until, clock())
    return [("since", iso(period.since)), ("until", iso(period.until)), *conditions(arguments)]


def conditions(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Return `filter` parameters for `--where`; raise UsageError where one is not KEY:VALUE."""
    for condition in arguments.where:
        if not condition.partition(":")[0] or ":" not in condition:
            raise UsageError(f"--where {condition!r} is not KEY:VALUE, as in team:search")
    return [("filter", condition) for condition in arguments.where]


@contextmanager
def reach(arguments: argparse.Namespace) -> Iterator[Ledger]:
    """Open the ledger the options name; raise Unreachable, saying what to do, when there is none."""
    if url := answering_server(arguments):
        yield ServerLedger(url)
    else:
        with open_folder(data_folder(arguments)) as ledger:
            yield ledger


def answering_server(arguments: argparse.Namespace) -> str | None:
    """Return the address of the server to use, or None when the data folder is meant.

    `--url` must answer, else Unreachable; `--data` alone means the folder; with neither, the usual address is tried.
    """
    if arguments.url:
        if not is_costspan(arguments.url):
            raise Unreachable(f"no costspan server answers at {arguments.url}; start one: costspan serve")
        return str(arguments.url)
    if arguments.data:
        return None
    usual = os.environ.get("COSTSPAN_URL") or DEFAULT_URL
    return usual if is_costspan(usual) else None


def is_costspan(url: str, timeout_s: float = 2) -> bool:
    """Tell whether a costspan server answers at `url`. Something else on the port is no costspan server."""
    try:
        return ServerLedger(url, timeout_s).ask("/healthz").get("service") == "costspan"
    except NotFound:
        return False
    except UsageError:
        raise
    except CostspanError:
        return False


def data_folder(arguments: argparse.Namespace) -> Path:
    """Return the data folder the options or the environment name; it need not exist."""
    return Path(arguments.data or os.environ.get("COSTSPAN_DATA") or DEFAULT_DATA)


@contextmanager
def open_folder(folder: Path) -> Iterator[Ledger]:
    """Open the ledger in `folder`; raise Unreachable when there is none or another process holds it."""
    if not folder.is_dir():
        raise Unreachable(
            f"no server answers and there is no data folder {folder}: start a server (costspan serve),"
            " name one (--url), name a folder (--data), or see an example (costspan demo)"
        )
    from costspan.server.assembly import open_reader

    with open_reader(folder) as reader:
        yield FolderLedger(folder, reader)


def connect(url: str, timeout_s: float) -> HTTPConnection:
    """Return an unopened connection to the host of `url`; raise UsageError for an address that is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is not an address: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url!r} is not an address such as {DEFAULT_URL}")
    secure = parts.scheme == "https"
    return (HTTPSConnection if secure else HTTPConnection)(parts.hostname, port, timeout=timeout_s)


def authorization() -> dict[str, str]:
    """Return the header that carries `COSTSPAN_API_KEY` (or the first line of `COSTSPAN_API_KEY_FILE`), if set."""
    key = os.environ.get("COSTSPAN_API_KEY", "")
    if file := os.environ.get("COSTSPAN_API_KEY_FILE"):
        try:
            key = Path(file).read_text("utf-8").strip()
        except OSError as error:
            raise UsageError(f"COSTSPAN_API_KEY_FILE: {error}") from None
    return {"Authorization": f"Bearer {key}"} if key else {}


def answer_document(url: str, path: str, status: int, body: bytes) -> dict[str, Any]:
    """Return the document in an answer; raise UsageError, NotFound or Unreachable for an answer that is none."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if status == 200 and isinstance(document, dict):
        return document
    detail = document.get("detail") or document.get("title") if isinstance(document, dict) else None
    if status == 400:
        raise UsageError(str(detail or f"{url}{path} refused the question"))
    if status == 404 and detail and document.get("status") == 404:
        raise NotFound(str(detail))
    if status == 401:
        raise Unreachable(f"{url} wants an API key: set COSTSPAN_API_KEY")
    if status == 403:
        raise Unreachable(f"{url}: {detail or 'the API key may not do this'}")
    raise Unreachable(
        f"{url}{path} answered {status}, which is no answer of a costspan server: {detail or 'no reason'}"
    )
