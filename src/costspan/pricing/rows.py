"""One row of a price list read from plain values: shared by the catalogue's TOML and a configuration's overlays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from costspan.core.errors import ConfigError
from costspan.core.money import decimal_from_text
from costspan.core.units import Unit
from costspan.pricing.rate_card import Window

UNIT_KEYS: Final = frozenset(unit.value for unit in Unit)
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAYS: Final = {"mon-fri": frozenset(range(5)), "sat-sun": frozenset({5, 6})}


def refuse_unknown(table: Mapping[str, object], known: frozenset[str], place: str) -> None:
    """Raise ConfigError that names the place and the keys of `table` that mean nothing."""
    unknown = sorted(set(map(str, table)) - known)
    if unknown:
        raise ConfigError(f"{place}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def moment(value: object, place: str, key: str) -> datetime | None:
    """Return a date (its first moment, in UTC), a time, or ISO 8601 text as an aware UTC datetime; None stays None."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ConfigError(f"{place}: {key}: {value!r} is not an ISO 8601 date") from None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ConfigError(f"{place}: {key}: {value!r} is not a date")


def interval(table: Mapping[str, object], place: str) -> tuple[datetime | None, datetime | None]:
    """Return `from` and `to`; raise ConfigError when they enclose no time."""
    start, end = moment(table.get("from"), place, "from"), moment(table.get("to"), place, "to")
    if start is not None and end is not None and start >= end:
        raise ConfigError(f"{place}: from {start:%Y-%m-%d} is not before to {end:%Y-%m-%d}")
    return start, end


def price(value: object, place: str, key: str) -> Decimal:
    """Return a price written as text or a whole number. A float is refused: it has lost the figure that was written."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ConfigError(f'{place}: {key}: write the price as text, for instance "1.25", not {value!r}')
    try:
        found = decimal_from_text(str(value))
    except ValueError as wrong:
        raise ConfigError(f"{place}: {key}: {wrong}") from None
    if found < 0:
        raise ConfigError(f"{place}: {key}: a price is not negative")
    return found


def prices(table: Mapping[str, object], bands: int, place: str) -> Mapping[Unit, tuple[Decimal, ...]]:
    """Return the prices of the units a row names: one figure for every band, or a list with one for each."""
    found = {}
    for key, value in table.items():
        if key in UNIT_KEYS:
            figures = value if isinstance(value, list) else [value] * bands
            if len(figures) != bands:
                raise ConfigError(f"{place}: {key}: {len(figures)} prices for {bands} context bands")
            found[Unit(key)] = tuple(price(figure, place, key) for figure in figures)
    return MappingProxyType(found)


def thresholds(table: Mapping[str, object], place: str) -> tuple[int, ...]:
    """Return `over_input_tokens`: rising token counts, each the upper end of a context band."""
    values = table.get("over_input_tokens", [])
    whole = [value for value in values if isinstance(value, int)] if isinstance(values, list) else []
    if whole != values or whole != sorted(set(whole)) or any(value <= 0 for value in whole):
        raise ConfigError(f"{place}: over_input_tokens: {values!r} is not a rising list of token counts")
    return tuple(whole)


def window(table: Mapping[str, object], place: str) -> Window | None:
    """Return `hours` (`01:00-04:00`, UTC) with `days` (`mon-fri`, `sat-sun`, default all)."""
    hours, days = table.get("hours"), table.get("days")
    if hours is None and days is None:
        return None
    found = _HOURS.fullmatch(str(hours))
    if not found or (days is not None and days not in _DAYS):
        raise ConfigError(f"{place}: hours are written 01:00-04:00 and days mon-fri or sat-sun")
    starts, ends = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    return Window(starts, ends, _DAYS.get(str(days), frozenset(range(7))))
