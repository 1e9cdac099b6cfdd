"""docs/export.md names every column that others build on, with what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from costspan.server.exporters.forward_settings import KEYS
from costspan.server.store.export import Table

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("table", list(Table))
def test_every_column_is_documented_with_its_kind_and_meaning(table: Table) -> None:
    text = (DOCS / "export.md").read_text("utf-8")
    for name, column in table.columns.items():
        assert name == "sign" or f"| `{name}` | {column.kind} | {column.meaning} |" in text


def test_every_setting_of_forwarding_is_documented() -> None:
    text = (DOCS / "forward.md").read_text("utf-8")
    assert [key for key in KEYS if f"| `{key}` |" not in text] == []
