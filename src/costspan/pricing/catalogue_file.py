"""Read one TOML file of the catalogue or of the patches into price entries. Called by `load`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from costspan.core.call import STANDARD_MODE
from costspan.core.errors import ConfigError
from costspan.pricing import rows
from costspan.pricing.clause import Clauses
from costspan.pricing.rate_card import AliasOf, Layer, PriceEntry, ProviderProfile, RateRow

_ORIGIN: Final = ("basis", "source", "checked", "reason")
_NAMES: Final = frozenset({"equals", "prefix", "contains", "suffix", "regex", "all"})
_FILE_KEYS: Final = frozenset({"provider", "pricing_pages", "models", "backfill", "known_as", *_ORIGIN})
_MODEL_KEYS: Final = frozenset({"id", "rates", *_NAMES, *_ORIGIN})
_ROW_KEYS: Final = rows.UNIT_KEYS | {
    "mode", "from", "to", "hours", "days", "over_input_tokens", "alias_of", "free", *_ORIGIN,
}  # fmt: skip
_BACKFILL_KEYS: Final = frozenset({"modes", "since", *_ORIGIN})

Table = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A rule: the earliest rate of these modes also held before the day it was first checked.

    It reaches back as far as the standard price stayed the same, and not beyond `since`, when the mode was launched.
    """

    modes: tuple[str, ...]
    since: datetime | None
    source: str
    checked: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """One file: a provider's entries in one layer, and its backfill rules."""

    provider: str
    entries: tuple[PriceEntry, ...]
    backfills: tuple[Backfill, ...]


def read_list(path: Path, layer: Layer) -> ListFile:
    """Return the content of one price list file; raise ConfigError that names the file, the model and the key."""
    table = _load(path)
    rows.refuse_unknown(table, _FILE_KEYS, path.name)
    provider = str(table.get("provider", path.stem))
    models = _tables(table.get("models", []))
    return ListFile(
        provider=provider,
        entries=tuple(_entry(model, table, provider, layer, path.name) for model in models),
        backfills=tuple(_backfill(rule, table, path.name) for rule in _tables(table.get("backfill", []))),
    )


def read_profiles(path: Path) -> dict[str, ProviderProfile]:
    """Return how providers are recognised, from `index.toml`."""
    return {
        provider: ProviderProfile(
            provider=provider,
            name=str(said.get("name", provider)),
            known_as=Clauses.read(cast("Table", said.get("known_as", {}))),
            claims=Clauses.read(cast("Table", said.get("claims", {}))),
            fallbacks=tuple(cast("Sequence[str]", said.get("fallbacks", ()))),
        )
        for provider, said in cast("Mapping[str, Table]", _load(path)).items()
    }


def backfilled(built_in: Sequence[PriceEntry], rules: Sequence[Backfill]) -> Iterator[PriceEntry]:
    """Yield patch entries for the time before the first checked rate of a mode."""
    for entry in built_in:
        found = tuple(row for rule in rules for mode in rule.modes if (row := _earlier(entry, mode, rule)))
        if found:
            yield PriceEntry(provider=entry.provider, model=entry.model, layer=Layer.PATCH, names=Clauses(), rows=found)


def _earlier(entry: PriceEntry, mode: str, rule: Backfill) -> RateRow | None:
    special = [row for row in entry.rows if row.mode == mode and row.window is None]
    first = special[0] if special else None
    if first is None or first.valid_from is None:
        return None
    start: datetime | None = first.valid_from
    current = None
    for row in reversed([row for row in entry.rows if row.mode == STANDARD_MODE and row.window is None]):
        if row.valid_from is not None and row.valid_from > first.valid_from:
            continue
        current = current or row
        if any(row.prices.get(unit) != current.prices.get(unit) for unit in first.prices):
            break
        start = row.valid_from
    if rule.since is not None:
        start = rule.since if start is None else max(start, rule.since)
    if start is not None and start >= first.valid_from:
        return None
    return RateRow(
        mode=mode,
        valid_from=start,
        valid_to=first.valid_from,
        over_input_tokens=first.over_input_tokens,
        prices=first.prices,
        basis="backfilled",
        source=rule.source,
        checked=rule.checked,
        reason=rule.reason,
    )


def _load(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError(f"{path.name}: {wrong}") from wrong


def _entry(table: Table, file: Table, provider: str, layer: Layer, file_name: str) -> PriceEntry:
    model = str(table.get("id", ""))
    place = f"{file_name}: {model}"
    rows.refuse_unknown(table, _MODEL_KEYS, place)
    origin = {**_origin(file), **_origin(table)}
    return PriceEntry(
        provider=provider,
        model=model,
        layer=layer,
        names=Clauses.read({key: table[key] for key in _NAMES if key in table}),
        rows=tuple(_row({**origin, **row}, place) for row in _tables(table.get("rates", []))),
    )


def _row(table: Table, place: str) -> RateRow:
    rows.refuse_unknown(table, _ROW_KEYS, place)
    start, end = rows.interval(table, place)
    over = rows.thresholds(table, place)
    alias = str(table["alias_of"]).partition("/") if "alias_of" in table else None
    return RateRow(
        mode=str(table.get("mode", STANDARD_MODE)),
        valid_from=start,
        valid_to=end,
        window=rows.window(table, place),
        over_input_tokens=over,
        prices=rows.prices(table, len(over) + 1, place),
        alias_of=AliasOf(alias[0], alias[2]) if alias else None,
        free=table.get("free") is True,
        basis=str(table.get("basis", "published")),
        source=str(table.get("source", "")),
        checked=str(table.get("checked", "")),
        reason=str(table["reason"]) if "reason" in table else None,
    )


def _backfill(table: Table, file: Table, file_name: str) -> Backfill:
    rows.refuse_unknown(table, _BACKFILL_KEYS, f"{file_name}: backfill")
    since = rows.moment(table.get("since"), f"{file_name}: backfill", "since")
    modes = tuple(str(mode) for mode in cast("Sequence[object]", table.get("modes", ())))
    said = {**_origin(file), **table}
    return Backfill(
        modes=modes,
        since=since,
        source=str(said.get("source", "")),
        checked=str(said.get("checked", "")),
        reason=str(said.get("reason", "")),
    )


def _origin(table: Table) -> dict[str, object]:
    return {key: table[key] for key in _ORIGIN if key in table}


def _tables(value: object) -> list[Table]:
    return [cast("Table", item) for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
