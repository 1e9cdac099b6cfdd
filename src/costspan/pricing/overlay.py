"""Overlays: the `prices:` of a configuration, as plain mappings, turned into entries above the published lists.

{provider: openai, model: gpt-5, from: 2026-07-01, input: "1.00", output: "8.00", basis: contract}
{provider: azure, model: my-deployment, alias_of: openai/gpt-5, multiply: "1.10"}
{provider: anthropic, model: "*", multiply: "0.90", from: 2026-01-01}
{provider: ollama, model: "*", free: true}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from costspan.core.errors import ConfigError
from costspan.core.units import Unit
from costspan.pricing import rows
from costspan.pricing.clause import Clauses
from costspan.pricing.providers import provider_id
from costspan.pricing.rate_card import AliasOf, Layer, PriceEntry, ProviderList, ProviderProfile, RateRow
from costspan.pricing.timeline import piece

_KEYS: Final = rows.UNIT_KEYS | {
    "layer", "provider", "model", "from", "to", "over_input_tokens", "modes", "alias_of", "multiply", "free",
    "basis", "source", "checked", "reason",
}  # fmt: skip
_LAYERS: Final = {"organisation": Layer.ORGANISATION, "project": Layer.PROJECT}
_TIMES: Final = re.compile(r"x\s*([0-9.]+)")

Lists = Mapping[tuple[Layer, str], ProviderList]


def overlay_lists(overlays: Sequence[Mapping[str, object]], profiles: Mapping[str, ProviderProfile]) -> Lists:
    """Return the overlays by layer and provider.

    Raises ConfigError that names the entry and the key: unknown keys, prices that are not text, an entry that says
    two things or nothing, and intervals of one model that overlap in one layer.
    """
    by_model: dict[tuple[Layer, str, str], list[RateRow]] = {}
    for number, table in enumerate(overlays):
        place = f"prices[{number}] ({table.get('provider')}/{table.get('model')})"
        rows.refuse_unknown(table, _KEYS, place)
        key = _key(table, profiles, place)
        read = tuple(_rows(table, profiles, place))
        for row in read:
            _refuse_overlap(by_model.get(key, []), row, place)
        by_model.setdefault(key, []).extend(read)
    lists: dict[tuple[Layer, str], list[PriceEntry]] = {}
    for (layer, provider, model), found in by_model.items():
        entry = PriceEntry(provider=provider, model=model, layer=layer, names=_names(model), rows=tuple(found))
        lists.setdefault((layer, provider), []).append(entry)
    return MappingProxyType({key: ProviderList.of(tuple(entries)) for key, entries in lists.items()})


def _key(table: Mapping[str, object], profiles: Mapping[str, ProviderProfile], place: str) -> tuple[Layer, str, str]:
    layer = str(table.get("layer", "organisation"))
    if layer not in _LAYERS:
        raise ConfigError(f"{place}: layer: {layer!r} is neither organisation nor project")
    for required in ("provider", "model"):
        if not isinstance(table.get(required), str) or not table[required]:
            raise ConfigError(f"{place}: {required} is missing")
    provider = provider_id(str(table["provider"]), profiles, frozenset(), guess=False)
    if provider is None:
        raise ConfigError(f"{place}: provider: {table['provider']!r} names no provider")
    return _LAYERS[layer], provider, str(table["model"])


def _names(model: str) -> Clauses:
    if "*" not in model:
        return Clauses(equals=(model.lower(),))
    anchored = "^" + ".*".join(re.escape(part) for part in model.split("*")) + "$"
    return Clauses(patterns=(re.compile(anchored, re.IGNORECASE),))


def _rows(table: Mapping[str, object], profiles: Mapping[str, ProviderProfile], place: str) -> Iterator[RateRow]:
    start, end = rows.interval(table, place)
    over = rows.thresholds(table, place)
    row = RateRow(
        valid_from=start,
        valid_to=end,
        over_input_tokens=over,
        prices=rows.prices(table, len(over) + 1, place),
        alias_of=_alias(table, profiles, place),
        multiply=rows.price(table["multiply"], place, "multiply") if "multiply" in table else None,
        free=table.get("free") is True,
        basis=str(table.get("basis", "contract")),
        source=str(table.get("source", "overlay")),
        checked=str(table.get("checked", "")),
        reason=str(table["reason"]) if "reason" in table else None,
    )
    said = [bool(row.prices), row.free, row.alias_of is not None or row.multiply is not None]
    if sum(said) != 1:
        raise ConfigError(f"{place}: say one of prices (input, output, ...), alias_of or multiply, or free: true")
    yield row
    modes = table.get("modes", {})
    if not isinstance(modes, Mapping) or (modes and not row.prices):
        raise ConfigError(f"{place}: modes: a table of mode and prices, in an entry with prices of its own")
    for mode, change in modes.items():
        yield replace(row, mode=str(mode), prices=_mode_prices(row, change, f"{place}: modes: {mode}"))


def _alias(table: Mapping[str, object], profiles: Mapping[str, ProviderProfile], place: str) -> AliasOf | None:
    if "alias_of" not in table:
        return None
    vendor, _, model = str(table["alias_of"]).partition("/")
    provider = provider_id(vendor, profiles, frozenset())
    if not model or provider is None or provider not in profiles:
        raise ConfigError(f"{place}: alias_of: {table['alias_of']!r} is not provider/model of a price list")
    return AliasOf(provider, model)


def _mode_prices(row: RateRow, change: object, place: str) -> Mapping[Unit, tuple[Decimal, ...]]:
    if isinstance(change, Mapping):
        rows.refuse_unknown(change, rows.UNIT_KEYS, place)
        own = rows.prices(change, len(row.over_input_tokens) + 1, place)
        return MappingProxyType({**row.prices, **own})
    times = _TIMES.fullmatch(str(change))
    if not times:
        raise ConfigError(f'{place}: {change!r} is neither a table of prices nor a factor such as "x0.5"')
    factor = rows.price(times[1], place, "factor")
    return MappingProxyType({unit: tuple(each * factor for each in row.prices[unit]) for unit in row.prices})


def _refuse_overlap(others: Sequence[RateRow], row: RateRow, place: str) -> None:
    same = [piece(each.valid_from, each.valid_to, each) for each in (*others, row) if each.mode == row.mode]
    for first, second in pairwise(sorted(same, key=lambda each: each.start_ns)):
        if second.start_ns < first.end_ns:
            raise ConfigError(f"{place}: from/to overlap another entry for the same model in the same layer")
