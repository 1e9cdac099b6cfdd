"""Money is whole pico-dollars: exact in, exact out, never a float."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.core.money import decimal_from_text, nearest_pico_from_float, pico_from_usd, usd_from_pico, usd_text


@pytest.mark.parametrize(
    ("text", "pico"),
    [
        ("0", 0),
        ("1", 1_000_000_000_000),
        ("0.000000000001", 1),
        ("-0.5", -500_000_000_000),
        ("12.345678", 12_345_678_000_000),
        ("1e-12", 1),
        ("1E3", 10**15),
        (" 0.15 ", 150_000_000_000),
        ("9223372.036854775807", 2**63 - 1),
    ],
)
def test_an_amount_as_published_is_read_exactly(text: str, pico: int) -> None:
    assert pico_from_usd(text) == pico


@pytest.mark.parametrize("text", ["0.0000000000001", "1.0000000000005", "1." + "0" * 70 + "1", "1e-13"])
def test_an_amount_finer_than_a_pico_dollar_is_refused_and_not_rounded(text: str) -> None:
    with pytest.raises(ValueError, match="finer than a pico-dollar"):
        pico_from_usd(text)


@pytest.mark.parametrize("text", ["", "free", "NaN", "Infinity", "-inf", "1,5", "$1", "1.2.3", "0x10"])
def test_text_that_is_no_finite_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (decimal|finite) number"):
        pico_from_usd(text)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_a_decimal_that_is_not_finite_is_refused(amount: Decimal) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        pico_from_usd(amount)


@pytest.mark.parametrize("amount", [0.1, 0.5, True])
def test_a_float_never_enters(amount: float) -> None:
    with pytest.raises(TypeError):
        pico_from_usd(amount)


@pytest.mark.parametrize(
    ("pico", "text"),
    [(0, "0"), (1, "0.000000000001"), (-500_000_000_000, "-0.5"), (10**14, "100"), (12_345_678_000_000, "12.345678")],
)
def test_an_amount_is_shown_as_plain_text(pico: int, text: str) -> None:
    assert usd_text(pico) == text


@given(st.integers(-(10**30), 10**30))
def test_every_amount_survives_the_way_out_and_back(pico: int) -> None:
    assert pico_from_usd(usd_text(pico)) == pico
    assert pico_from_usd(usd_from_pico(pico)) == pico
    assert "e" not in usd_text(pico).lower()


@given(st.lists(st.decimals(min_value=-1000, max_value=1000, places=12), max_size=50), st.randoms())
def test_a_sum_does_not_depend_on_its_order(amounts: list[Decimal], random) -> None:
    total = sum(pico_from_usd(amount) for amount in amounts)
    random.shuffle(amounts)
    assert sum(pico_from_usd(amount) for amount in amounts) == total
    assert usd_from_pico(total) == sum(amounts)


@pytest.mark.parametrize(
    ("amount", "pico"), [(0.1, 10**11), (0.0032, 3_200_000_000), (1e-13, 0), (2.5e-12, 2), (3.5e-12, 4)]
)
def test_a_reported_double_is_taken_at_its_shortest_text(amount: float, pico: int) -> None:
    assert nearest_pico_from_float(amount) == pico


def test_decimals_keep_every_digit() -> None:
    assert decimal_from_text("0.1000") == Decimal("0.1000")
