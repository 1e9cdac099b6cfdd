"""Turn the prices of one genai-prices model into rate rows, one line of TOML each; used by `flatten_genai_prices`.

Upstream writes overlapping rules ("the last that is active wins", "the first variant that names the key wins");
a rate row is plain: one mode, one half-open interval, every price that holds in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from genai_prices.types import ConditionalPrice, StartDateConstraint, TimeOfDateConstraint

UNITS: Final = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "cache_audio_read_mtok": "cache_read_audio",
    "input_image_mtok": "input_image",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_audio_mtok": "output_audio",
    "output_image_mtok": "output_image",
    "web_searches_kcount": "web_search",
    "code_executions_kcount": "code_execution",
    "requests_kcount": "request",
    "input_document_kpages": "page",
    "audio_hours": "second",
    "input_audio_hours": "second",
}
"""Upstream price key -> our unit, in the order of a line. Both sides price per million tokens, thousand or hour."""

MODES: Final = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}

Row = tuple[date | None, date | None, Mapping[str, Any]]


def rate_lines(model: Any) -> Iterator[str]:
    """Yield the `rates` of one model, and a comment for each price there is no unit or mode for."""
    conditional = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
    lines = [_line(*row) for row in _dated(conditional)]
    lines += [_window(row) for row in conditional if isinstance(row.constraint, TimeOfDateConstraint)]
    for mode in dict.fromkeys(MODES.values()):
        lines += [_line(*row, mode=mode) for row in _variants(model, mode)]
    lines = [line for line in lines if line]
    if lines:
        yield "rates = ["
        yield from (f"  {line}," for line in lines)
        yield "]"
    yield from _left_out(model, conditional)


def _dated(conditional: list[Any]) -> Iterator[Row]:
    if conditional and conditional[0].constraint is not None:
        raise SystemExit("the first price of a model is expected to be unconditional")
    plain = [row for row in conditional if not isinstance(row.constraint, TimeOfDateConstraint)]
    if [*plain, *(row for row in conditional if row not in plain)] != conditional:
        raise SystemExit("prices by the hour are expected after the dated ones")
    last = {row.constraint and row.constraint.start_date: row.prices for row in plain}
    starts = sorted(last, key=lambda start: start or date.min)
    for place, start in enumerate(starts):
        yield start, starts[place + 1] if place + 1 < len(starts) else None, _prices(last[start])


def _variants(model: Any, mode: str) -> Iterator[Row]:
    chosen = [variant for variant in model.price_variants or () if MODES.get(_condition(variant)) == mode]
    if any(isinstance(variant.constraint, TimeOfDateConstraint) for variant in chosen):
        raise SystemExit(f"{model.id}: a mode with hours of the day is not expected")
    starts = sorted({_start(variant) for variant in chosen}, key=lambda start: start or date.min)
    for place, start in enumerate(starts):
        merged: dict[str, Any] = {}
        for variant in chosen:
            if (_start(variant) or date.min) <= (start or date.min):
                merged = {**_prices(variant.prices), **merged}
        yield start, starts[place + 1] if place + 1 < len(starts) else None, merged


def _start(variant: Any) -> date | None:
    return variant.constraint.start_date if isinstance(variant.constraint, StartDateConstraint) else None


def _condition(variant: Any) -> tuple[str, str]:
    (condition,) = variant.when.items()
    return (str(condition[0]), str(condition[1]))


def _prices(prices: Any) -> dict[str, Any]:
    named = {UNITS[key]: value for key, value in vars(prices).items() if value is not None and key in UNITS}
    return {unit: named[unit] for unit in dict.fromkeys(UNITS.values()) if unit in named}


def _window(row: Any) -> str:
    start, end = _utc(row.constraint.start_time), _utc(row.constraint.end_time)
    return _line(None, None, _prices(row.prices), hours=f"{start:%H:%M}-{end:%H:%M}")


def _utc(moment: time) -> time:
    return datetime.combine(date(1970, 1, 1), moment).astimezone(UTC).time() if moment.tzinfo else moment


def _line(start: date | None, end: date | None, prices: Mapping[str, Any], **said: str) -> str:
    if not prices:
        return ""
    parts = [f'{key} = "{value}"' for key, value in said.items()]
    parts += [f"from = {start}"] if start else []
    parts += [f"to = {end}"] if end else []
    thresholds = sorted({tier.start for price in prices.values() for tier in getattr(price, "tiers", ())})
    parts += [f"over_input_tokens = {thresholds}"] if thresholds else []
    parts += [f"{unit} = {_price(price, thresholds)}" for unit, price in prices.items()]
    return "{ " + ", ".join(parts) + " }"


def _price(price: Any, thresholds: list[int]) -> str:
    if isinstance(price, Decimal):
        return f'"{price:f}"'
    steps = [price.base]
    for threshold in thresholds:
        steps.append(next((tier.price for tier in price.tiers if tier.start == threshold), steps[-1]))
    return "[" + ", ".join(f'"{step:f}"' for step in steps) + "]"


def _left_out(model: Any, conditional: list[Any]) -> Iterator[str]:
    dropped = {
        key: value
        for row in conditional
        for key, value in vars(row.prices).items()
        if value is not None and key not in UNITS
    }
    for key, value in sorted(dropped.items()):
        yield f"# left out, no unit: {key} = {value}"
    for variant in model.price_variants or ():
        named, value = _condition(variant)
        if (named, value) not in MODES and _prices(variant.prices):
            yield f"# left out, no mode: {named} = {value}"
