"""Reference pages, written from the lists that the program itself reads: `PAGES` by their place in the site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tools.reference.commands import commands_page
from tools.reference.http_api import http_page
from tools.reference.lists import extensions_page, measures_page, prices_page
from tools.reference.settings import settings_page

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/commands.md": commands_page,
    "reference/settings.md": settings_page,
    "reference/http.md": http_page,
    "reference/measures.md": measures_page,
    "reference/prices.md": prices_page,
    "reference/extensions.md": extensions_page,
}
