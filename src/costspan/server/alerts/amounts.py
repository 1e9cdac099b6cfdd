"""What a rule's limit may be written as, and how an observed value reads, by unit."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from costspan.core.errors import UsageError

_LENGTH: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s|m|h|d|w)")
_SECONDS: Final = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
    "w": Decimal(604800),
}


class MeasureUnit(StrEnum):
    """What a measure counts in. Times are in seconds, shares from 0 to 1."""

    USD = "USD"
    COUNT = "count"
    SHARE = "share"
    SECONDS = "s"
    RATIO = "ratio"


def limit_in(unit: MeasureUnit, said: object) -> Decimal:
    """Return a limit as a number of `unit`. Raise UsageError, saying what is accepted, for anything else."""
    text = str(said).strip()
    if unit is MeasureUnit.SECONDS:
        return Decimal(str(length(said).total_seconds()))
    if unit is MeasureUnit.SHARE and text.endswith("%"):
        limit = _number(text.removesuffix("%"), said, "a share such as 5%") / 100
    else:
        limit = _number(text.removeprefix("$") if unit is MeasureUnit.USD else text, said, _WANTED[unit])
    if unit is MeasureUnit.SHARE and limit >= 1:
        raise UsageError(f"{said!r} is no share below 100%; a per cent sign is part of it, as in 5%")
    return limit


_WANTED: Final = {
    MeasureUnit.USD: "US dollars from 0 up, such as 500",
    MeasureUnit.COUNT: "a number from 0 up",
    MeasureUnit.SHARE: "a share such as 5% or 0.05",
    MeasureUnit.RATIO: "a number such as 3",
}


def _number(text: str, said: object, wanted: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal(-1)
    if isinstance(said, bool) or not number.is_finite() or number < 0:
        raise UsageError(f"{said!r} is not {wanted}")
    return number


def length(said: object) -> timedelta:
    """Return a length of time written as `90s`, `5m`, `24h`, `14d`. Raise UsageError for anything else."""
    found = _LENGTH.fullmatch(str(said).strip())
    if found is None:
        raise UsageError(f"{said!r} is not a length of time such as 90s, 5m, 24h or 14d")
    return timedelta(microseconds=int(Decimal(found[1]) * _SECONDS[found[2]] * 1_000_000))


def length_text(length: timedelta) -> str:
    """Return a length of time in its largest whole unit: `24 h`, `90 s`, `14 d`."""
    seconds = Decimal(str(length.total_seconds()))
    for unit in ("d", "h", "m", "s"):
        if seconds and not seconds % _SECONDS[unit] and (unit != "d" or seconds > _SECONDS["d"]):
            return f"{_short(seconds / _SECONDS[unit], 0)} {'min' if unit == 'm' else unit}"
    return f"{_short(seconds, 3)} s"


def value_text(unit: MeasureUnit, value: Decimal | None) -> str:
    """Return a value as a person reads it: `$33.60`, `5.2 %`, `12.3 s`, `1,204`; `unknown` for None."""
    if value is None:
        return "unknown"
    if unit is MeasureUnit.USD:
        return _dollars(value)
    if unit is MeasureUnit.SHARE:
        return f"{_short(value * 100, 1)} %"
    if unit is MeasureUnit.SECONDS:
        if value >= 7200:
            return f"{_short(value / 3600, 1)} h" if value < 172_800 else f"{_short(value / 86_400, 1)} d"
        return f"{_short(value / 60, 1)} min" if value >= 120 else f"{_short(value, 2)} s"
    return f"{_short(value, 2)}"


def _dollars(value: Decimal) -> str:
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= 1 or not size:
        return f"{sign}${size:,.2f}"
    # Below a dollar two digits that count: a call often costs less than a cent.
    return f"{sign}${size.quantize(Decimal(1).scaleb(min(-2, size.adjusted() - 1))):f}"


def _short(value: Decimal, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
