"""The documentation as a site: it builds without a warning, holds what the lists hold, loads nothing from elsewhere."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from costspan.cli.importers import IMPORTERS
from costspan.cli.main import COMMANDS
from costspan.core.units import Unit
from costspan.pricing.load import profiles
from costspan.sdk.clients import CLIENTS
from costspan.semconv.dialects import DIALECTS
from costspan.server.alerts.conditions import CONDITIONS
from costspan.server.alerts.measures import FACTS, MEASURES
from costspan.server.alerts.notifiers import NOTIFIERS
from costspan.server.config import KNOWN_KEYS
from costspan.server.reconciliation.sources import API_SOURCES, FILE_SOURCES
from costspan.server.store import question
from serving import Server

from .markdown import ROOT

LOADED = re.compile(
    r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"?([^\">\s]+)|@import\s+[\"']?([^\"';)]+)"
)
LISTS = {
    "reference/commands.html": [f"costspan {name}" for name in COMMANDS],
    "reference/settings.html": [*KNOWN_KEYS],
    "reference/measures.html": [
        *MEASURES,
        *FACTS,
        *question.COLUMNS,
        *question.MEASURES,
        *(each.value for each in Unit),
    ],
    "reference/prices.html": [*profiles()],
    "reference/extensions.html": [
        *(each.name for each in DIALECTS),
        *(each.name for each in IMPORTERS),
        *(each.name for each in CLIENTS),
        *(each.key for each in NOTIFIERS),
        *(each.__name__ for each in CONDITIONS),
        *API_SOURCES,
        *FILE_SOURCES,
    ],
    "dialects.html": [each.name for each in DIALECTS],
}
"""Page -> the words of lists that must stand on it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does; a warning ends it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def words_of(page: Path) -> str:
    """Return what a reader sees of a page."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


@pytest.mark.parametrize("page", LISTS)
def test_a_reference_page_holds_the_whole_list(page: str, site: Path) -> None:
    seen = words_of(site / page)
    assert [word for word in LISTS[page] if not re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", seen)] == []


def test_every_path_that_a_server_describes_is_on_its_page(site: Path, server: Server) -> None:
    seen = words_of(site / "reference/http.html")
    paths = server.get("/openapi.json").document["paths"]
    assert len(paths) > 20
    assert [path for path in paths if path not in seen] == []


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    loaded = {"".join(found) for path in files for found in LOADED.findall(path.read_text("utf-8"))}
    assert len(files) > 50
    assert {target for target in loaded if target.startswith(("http:", "https:", "//"))} == set()


def test_search_finds_words_without_a_server(site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"] if "not_instrumented" in entry["text"]}
    assert "reconciliation.html" in found
