"""Decision records say whether they hold and since when, and the index lists them."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from .markdown import ROOT, links, text

FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
STATUS = re.compile(r"^Status: (?:proposed|accepted|superseded by \d{4})\b", re.MULTILINE)
DATE = re.compile(r"^Date: \d{4}-\d{2}-\d{2}$", re.MULTILINE)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_a_status_and_a_date(record):
    assert STATUS.search(text(record))
    assert DATE.search(text(record))


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_in_the_index(record):
    assert record.name in links(FOLDER / "README.md")


def test_records_are_numbered_once():
    numbers = Counter(record.name[:4] for record in RECORDS)

    assert numbers
    assert all(number.isdigit() and count == 1 for number, count in numbers.items())
