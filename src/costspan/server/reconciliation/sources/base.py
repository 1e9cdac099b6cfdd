"""What every source of bills is: how its pages are fetched, and how a page is read. Fetching is apart from reading, so
that what was fetched can be kept as it came and read again."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from costspan.core.errors import ConfigError, Unreachable
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import BillCell
from costspan.server.store.bill_form import BillForm
from costspan.server.store.reconciliations import Sheet

MAX_ATTEMPTS: Final = 6
"""Tries of one page, with the pauses the provider asks for in between."""
MAX_SHEET_BYTES: Final = 256 * 1024 * 1024
_MAX_PAGES: Final = 10_000

Page = dict[str, Any]
Fetch = Callable[[str, Period], Iterator[Page]]
"""Yields the pages of one report over one period."""


@dataclass(frozen=True, slots=True)
class Access:
    """The key of an organisation's administrator, and where the API is. The key is in no text of this value."""

    key: str = field(repr=False)
    base_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSource:
    """A provider that tells its bill over HTTP.

    `connect` raises Unreachable where a package is missing; what it gives raises Unreachable where no answer comes.
    `key_env` and `url_env` name the variables the provider's own client reads.
    """

    provider: str
    reports: tuple[str, ...]
    key_env: str
    url_env: str
    tells_apart: frozenset[Unit]
    connect: Callable[[Access], AbstractContextManager[Fetch]]
    read: Callable[[str, Page], Iterator[BillCell]]
    stretch: timedelta = timedelta(days=7)
    """The period of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A form of billing export, and how its lines are read once they are added up: for which provider, and the line."""

    form: BillForm
    tells_apart: frozenset[Unit]
    read: Callable[[str, Mapping[str, str | None]], BillCell | None]


def key_from(environment: Mapping[str, str], name: str) -> str | None:
    """Return the key in variable `name`, or in the file that `<name>_FILE` names. Raise ConfigError if it cannot."""
    if key := environment.get(name):
        return key
    if not (file := environment.get(f"{name}_FILE")):
        return None
    try:
        with open(file, encoding="utf-8") as opened:
            key = opened.read().strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE {file}: {error.strerror}") from None
    if not key:
        raise ConfigError(f"{name}_FILE {file} is empty")
    return key


def pages_of(ask: Callable[[str | None], str]) -> Iterator[Page]:
    """Yield pages of `has_more` and `next_page`; `ask` takes the mark of a page and returns its JSON text."""
    mark: str | None = None
    for _ in range(_MAX_PAGES):
        page = read_json(ask(mark))
        yield page
        following = page.get("next_page")
        if page.get("has_more") is False or not following:
            return
        if following == mark:
            raise Unreachable(f"the report repeats its page {mark!r} without end")
        mark = following
    raise Unreachable(f"the report has more than {_MAX_PAGES} pages")


def read_json(text: str) -> Page:
    """Return a JSON object with its fractions as text, so that no amount passes through a float."""
    try:
        page = json.loads(text, parse_float=str)
    except ValueError:
        page = None
    if not isinstance(page, dict):
        raise Unreachable("what answers there sends no JSON object: is it the provider's API?")
    return page


def packed(pages: Sequence[Any]) -> bytes:
    """Return pages as a sheet holds them: the same bytes for the same pages."""
    return gzip.compress(json.dumps(pages, default=_text, separators=(",", ":")).encode(), mtime=0)


def unpacked(sheet: Sheet) -> list[Any]:
    """Return the pages of a sheet. Raise ConfigError where it holds something else."""
    try:
        with gzip.open(io.BytesIO(sheet.body)) as opened:
            body = opened.read(MAX_SHEET_BYTES + 1)
        if len(body) > MAX_SHEET_BYTES:
            raise ConfigError(f"{sheet.report}: a sheet of more than {MAX_SHEET_BYTES} bytes")
        pages = json.loads(body)
    except (OSError, EOFError, ValueError) as error:
        raise ConfigError(f"{sheet.report}: no pages of a bill: {error}") from None
    if not isinstance(pages, list):
        raise ConfigError(f"{sheet.report}: no pages of a bill")
    return pages


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} in a page")
