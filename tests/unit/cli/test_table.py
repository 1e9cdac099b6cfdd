"""How figures read."""

from __future__ import annotations

import pytest

from costspan.cli.table import count_text, money_text, render_table


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("12345.678901", "$12,346"),
        ("100", "$100"),
        ("99.994", "$99.99"),
        ("1", "$1.00"),
        ("0.123456", "$0.12"),
        ("0.000012345", "$0.000012"),
        ("0", "$0"),
        ("-3.5", "-$3.50"),
        (None, "–"),
    ],
)
def test_money_has_the_precision_a_person_needs(usd, text) -> None:
    assert money_text(usd) == text


def test_counts_are_grouped_and_unknown_is_a_dash() -> None:
    assert (count_text(1_234_567), count_text(0), count_text(None)) == ("1,234,567", "0", "–")


def test_words_stand_left_and_figures_right() -> None:
    assert render_table(["Model", "Cost"], [["o3", "$1"], ["gpt-5.4", "$1,200"]], words=1) == (
        "Model      Cost\n-------  ------\no3           $1\ngpt-5.4  $1,200"
    )
