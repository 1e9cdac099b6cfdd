"""The providers of genai-prices, flattened into the TOML files of a catalogue: one a provider, and `index.toml`.

Used where genai-prices is installed: by `tools/flatten_genai_prices.py` for the built-in catalogue and by
`costspan prices sync` for a candidate. The same package gives byte-identical files. What costspan has no unit for
becomes a comment in its place.

Upstream writes overlapping rules ("the last that is active wins", "the first variant that names the key wins");
a rate row is plain: one mode, one half-open interval, every price that holds in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from genai_prices.types import ConditionalPrice, StartDateConstraint, TimeOfDateConstraint

from costspan.core.errors import ConfigError

_CLAUSES: Final = {
    "equals": "equals",
    "starts_with": "prefix",
    "contains": "contains",
    "ends_with": "suffix",
    "regex": "regex",
}
_PLAIN: Final = re.compile(r"[^\x00-\x1f\\\"\x7f]*")

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


def write_catalogue(providers: Iterable[Any], into: Path, *, source: str, released: date) -> None:
    """Write the files of a catalogue into a folder, instead of those that are there.

    `source` names package and version. Raise ConfigError for a rule that a flat row cannot say.
    """
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*.toml"):
        old.unlink()
    ordered = sorted(providers, key=lambda provider: str(provider.id))
    _write(into / "index.toml", [*_header(source, released), *_index(ordered)])
    for provider in ordered:
        lines = [*_header(source, released), *_provider_lines(provider, source, released)]
        _write(into / f"{provider.id}.toml", lines)


def providers_of_file(path: Path) -> list[Any]:
    """Return the providers of a v2 `data.json` of genai-prices. Raise ConfigError when it is none."""
    from genai_prices.types import _providers_from_raw  # noqa: PLC0415 - the only reader of its own format

    try:
        raw = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return list(_providers_from_raw(raw if isinstance(raw, list) else [raw]))
    except OSError as wrong:
        raise ConfigError(f"{path}: {wrong.strerror}") from wrong
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise ConfigError(f"{path}: not price data of genai-prices (v2): {wrong}") from wrong


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _header(source: str, released: date) -> list[str]:
    return [
        f"# Flattened from {source} of {released} (MIT, see NOTICE) by tools/flatten_genai_prices.py.",
        "# Do not edit: a correction is a row in ../patches, with its own source, date and reason.",
        "",
    ]


def _index(ordered: list[Any]) -> Iterator[str]:
    yield "# How a provider is recognised: by the name a span gives (known_as), by a model's name (claims); and whose"
    yield "# models it also serves (fallbacks). The models of each are in the file of its name, read when first needed."
    for provider in ordered:
        yield f"\n[{_text(provider.id)}]"
        yield f"name = {_text(provider.name)}"
        if provider.provider_match is not None:
            yield f"known_as = {_inline(_clauses(provider.provider_match))}"
        if provider.model_match is not None:
            yield f"claims = {_inline(_clauses(provider.model_match))}"
        if provider.fallback_model_providers:
            yield f"fallbacks = {_list(provider.fallback_model_providers)}"


def _provider_lines(provider: Any, source: str, released: date) -> Iterator[str]:
    yield f"provider = {_text(provider.id)}"
    yield f"source = {_text(source)}"
    yield f"checked = {released}"
    if provider.pricing_urls:
        yield f"pricing_pages = {_list(provider.pricing_urls)}"
    for model in provider.models:
        yield "\n[[models]]"
        yield f"id = {_text(model.id)}"
        for key, value in _clauses(model.match).items():
            yield f"{key} = {_inline(value)}"
        yield from _rate_lines(model)


def _clauses(clause: Any) -> dict[str, Any]:
    """Return a clause tree as lists by kind of test, any of which may hold; each group in `all` must hold together."""
    found: dict[str, Any] = {}
    for part in getattr(clause, "or_", [clause]):
        if hasattr(part, "and_"):
            group = [_leaf(item) for item in part.and_]
            found.setdefault("all", []).append([f"{kind}:{text}" for kind, text in group])
            continue
        kind, text = _leaf(part)
        values = found.setdefault(kind, [])
        if text not in values:
            values.append(text)
    return {key: found[key] for key in ("equals", "prefix", "contains", "suffix", "regex", "all") if key in found}


def _leaf(clause: Any) -> tuple[str, str]:
    (field, text), *rest = vars(clause).items()
    if rest or field not in _CLAUSES:
        raise ConfigError(f"genai-prices has a clause this script does not know: {clause!r}")
    # Every test but a regular expression ignores case upstream.
    return _CLAUSES[field], text if field == "regex" else text.lower()


def _text(value: str) -> str:
    if "\\" in value and "'" not in value:
        return f"'{value}'"
    return f'"{value}"' if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _list(values: Any) -> str:
    return "[" + ", ".join(_inline(value) for value in values) + "]"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    return _list(value) if isinstance(value, list) else _text(value)


def _rate_lines(model: Any) -> Iterator[str]:
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
        raise ConfigError("the first price of a model is expected to be unconditional")
    plain = [row for row in conditional if not isinstance(row.constraint, TimeOfDateConstraint)]
    if [*plain, *(row for row in conditional if row not in plain)] != conditional:
        raise ConfigError("prices by the hour are expected after the dated ones")
    last = {row.constraint and row.constraint.start_date: row.prices for row in plain}
    starts = sorted(last, key=lambda start: start or date.min)
    for place, start in enumerate(starts):
        yield start, starts[place + 1] if place + 1 < len(starts) else None, _prices(last[start])


def _variants(model: Any, mode: str) -> Iterator[Row]:
    chosen = [variant for variant in model.price_variants or () if MODES.get(_condition(variant)) == mode]
    if any(isinstance(variant.constraint, TimeOfDateConstraint) for variant in chosen):
        raise ConfigError(f"{model.id}: a mode with hours of the day is not expected")
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
