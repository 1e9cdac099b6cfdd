"""Money as whole pico-dollars (1e-12 USD), and the only way in and out of that form.

Sums of integers are exact and do not depend on order or batching, so a total is the same from rows,
roll-ups or charges (accounting rule 3). Decimals are text at the edges; a float never enters.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final, NewType

PicoUsd = NewType("PicoUsd", int)
"""An amount in 1e-12 US dollars. A signed 64-bit integer holds 9.2 million dollars a line."""

PICO_PER_USD: Final = 10**12
ZERO: Final = PicoUsd(0)

_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


def pico_from_usd(amount: Decimal | str | int) -> PicoUsd:
    """Return `amount` US dollars as pico-dollars.

    Raises ValueError for what is no finite decimal and for an amount finer than a pico-dollar: money read from outside
    is never rounded. Raises TypeError for a float.
    """
    if isinstance(amount, bool | float):
        raise TypeError(f"{amount!r} is no exact amount of money")
    value = decimal_from_text(amount) if isinstance(amount, str) else Decimal(amount)
    if not value.is_finite():
        raise ValueError(f"{amount!r} is not a finite number")
    numerator, denominator = value.as_integer_ratio()
    pico, rest = divmod(numerator * PICO_PER_USD, denominator)
    if rest:
        raise ValueError(f"{amount} USD is finer than a pico-dollar")
    return PicoUsd(pico)


def nearest_pico_from_float(amount: float) -> PicoUsd:
    """Return a cost reported as a telemetry double, at the pico-dollar nearest to its shortest decimal text."""
    return PicoUsd(int(_EXACT.scaleb(Decimal(repr(amount)), 12).to_integral_value(ROUND_HALF_EVEN)))


def usd_from_pico(amount: int) -> Decimal:
    """Return pico-dollars as an exact Decimal of US dollars, without trailing zeros."""
    return Decimal(usd_text(amount))


def usd_text(amount: int) -> str:
    """Return pico-dollars as plain decimal text without exponent or trailing zeros: `12.345678`, `0`, `-0.5`."""
    text = f"{_EXACT.scaleb(Decimal(amount), -12):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def decimal_from_text(text: str) -> Decimal:
    """Return a published price or amount as an exact Decimal; raise ValueError when it is none or not finite."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return value
