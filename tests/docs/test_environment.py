"""Every variable and every metric that the program knows is documented, and no document names one it does not know."""

from __future__ import annotations

import re

from bodies import protobuf, span
from serving import Server

from .markdown import ROOT, code, documents, text

VARIABLE = re.compile(r"\bCOSTSPAN_[A-Z_]*[A-Z]\b")
METRIC = re.compile(r"^# TYPE (costspan_\w+) ", re.MULTILINE)
OF_THE_TESTS = {"COSTSPAN_CHROMIUM", "COSTSPAN_SCREENSHOTS", "COSTSPAN_CLICKHOUSE_URL"}


def known() -> set[str]:
    """Return every variable that the source names."""
    files = [*(ROOT / "src").rglob("*.py"), ROOT / "hatch_build.py"]
    return {name for path in files for name in VARIABLE.findall(path.read_text("utf-8"))}


def test_every_variable_is_documented() -> None:
    pages = text(ROOT / "docs/environment.md") + text(ROOT / "docs/sdk.md")
    assert len(known()) > 15
    assert {name for name in known() if f"`{name}" not in pages} == set()


def test_no_document_names_a_variable_that_is_not_there() -> None:
    named = {name for path in documents() for line in code(path) for name in VARIABLE.findall(line)}
    assert named - known() - OF_THE_TESTS == set()


def test_every_metric_of_a_real_server_is_documented(server: Server) -> None:
    assert server.send(protobuf([span(), span(trace_id=b"\1" * 15)])).status == 200
    said = METRIC.findall(server.get("/metrics").body.decode())
    page = text(ROOT / "docs/metrics.md")
    families = re.findall(r"`(\w+)`", page)
    full = {
        f"{families[n - 1].rsplit('_', 2)[0]}{name}" if name.startswith("_") else name
        for n, name in enumerate(families)
    }
    assert len(said) > 15
    assert {
        name
        for name in said
        if name not in full and not name.startswith("costspan_key_") and not name.endswith("_created")
    } == set()
