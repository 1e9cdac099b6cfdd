"""The `alerts:` list of a costspan.yaml: its shape, which is also its JSON Schema, and the rules it makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from costspan.core.errors import ConfigError, UsageError
from costspan.server.alerts.amounts import MeasureUnit, length, limit_in
from costspan.server.alerts.measures import FACTS, Watched, watched
from costspan.server.alerts.rule import (
    DELAY,
    EVERY,
    NO_TIME,
    Anomaly,
    BudgetAlert,
    Condition,
    Missing,
    Rule,
    Threshold,
)
from costspan.server.store.question import Filter, known_key
from costspan.server.yaml_lines import line_of

Value = TypeVar("Value")
Said = str | int | float
Length = Annotated[str, Meta(pattern=r"^\d{1,6}(\.\d{1,6})?(ms|s|m|h|d|w)$", description="90s, 5m, 24h, 14d")]
Limit = Annotated[Said, Meta(description="a number, 5%, $500 or a length of time such as 10s, as the measure has it")]
Names = Annotated[list[str] | str, Meta(description="one name or a list of names")]


class AnomalyEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """Compared with its own history: how much of it is learnt from, and what is far from expected."""

    baseline: Length = "28d"
    ratio: Said | UnsetType = UNSET
    min_excess_usd: Said | UnsetType = UNSET


class BudgetEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """A budget of the same file, and what about it is worth a notification."""

    name: str
    at: list[Said] | UnsetType = UNSET
    forecast: bool = True
    burn: bool = True


class AlertEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """One rule: above or below, anomaly, or budget."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
    measure: str = "cost"
    where: dict[str, Said | list[Said]] = {}
    window: Length | UnsetType = UNSET
    above: Limit | UnsetType = UNSET
    below: Limit | UnsetType = UNSET
    anomaly: AnomalyEntry | UnsetType = UNSET
    budget: str | BudgetEntry | UnsetType = UNSET
    group_by: Names = []
    min_samples: Annotated[int, Meta(ge=0, description="calls below which nothing is judged")] = 0
    missing: Missing = Missing.OK
    every: Length | UnsetType = UNSET
    delay: Length | UnsetType = UNSET
    hold: Length | UnsetType = msgspec.field(name="for", default=UNSET)
    keep_firing_for: Length | UnsetType = UNSET
    severity: str = "warning"
    labels: dict[str, Said] = {}
    notify: Names = []
    repeat: Length | UnsetType = UNSET
    inhibits: Names = []
    notify_past: bool = False


def rules_schema() -> dict[str, Any]:
    """Return the JSON Schema of the `alerts:` list."""
    return msgspec.json.schema(list[AlertEntry])


def parse_rules(
    entries: object,
    place: str = "costspan.yaml",
    *,
    notifiers: Collection[str] = (),
    budgets: Collection[str] = (),
) -> tuple[Rule, ...]:
    """Return the rules of an `alerts:` list. Raise ConfigError that names the file, the line, the entry and the key.

    `notifiers` and `budgets` are the names that a rule may refer to.
    """
    if entries is None:
        return ()
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ConfigError(f"{place}: alerts: a list of rules, each with name:, measure: and above:")
    rules: dict[str, Rule] = {}
    names = {str(entry["name"]) for entry in entries if isinstance(entry, Mapping) and "name" in entry}
    known = {"notify": frozenset(notifiers), "inhibits": frozenset(names), "budget": frozenset(budgets)}
    for number, entry in enumerate(entries):
        here = _Place(place, entries, number)
        rule = _rule(here.shaped(entry), here, known)
        if rule.name in rules:
            raise here.error("name", f"{rule.name!r} is taken already")
        rules[rule.name] = rule
    return tuple(rules.values())


_PATH: Final = re.compile(r" - at `\$([^`]*)`$")
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(?:\.\.\.|(\d+))\]")
_UNKNOWN: Final = "unknown field"
_SHORTEST_BASELINE: Final = timedelta(days=7)
_LONGEST_BASELINE: Final = timedelta(days=28)
_NAMES: Final[dict[object, list[str]]] = {
    kind: [item.encode_name for item in msgspec.structs.fields(kind)]
    for kind in (AlertEntry, AnomalyEntry, BudgetEntry)
}
_BY_KEY: Final = {"anomaly": AnomalyEntry, "budget": BudgetEntry}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands, for errors."""

    file: str
    entries: Sequence[Any]
    number: int
    steps: tuple[str | int, ...] = field(default=())

    def shaped(self, entry: object) -> AlertEntry:
        """Return an entry whose keys and values have the right shape."""
        try:
            return msgspec.convert(entry, AlertEntry)
        except msgspec.ValidationError as error:
            text, path = str(error), _PATH.search(str(error))
            steps = [name for name, _ in _STEP.findall(path[1])] if path else []
            steps = [step for step in steps if step]
            said = _PATH.sub("", text)
            if _UNKNOWN in said:
                kind = _BY_KEY.get(steps[-1], AlertEntry) if steps else AlertEntry
                key = said.rpartition("field ")[2].strip("`")
                raise self.error(".".join([*steps, key]), f"unknown key; known: {', '.join(_NAMES[kind])}") from None
            said = "a length of time such as 90s, 5m, 24h or 14d is expected" if r"(ms|s|m" in said else said
            raise self.error(".".join(steps), said[:1].lower() + said[1:]) from None

    def error(self, key: str, why: str) -> ConfigError:
        """Return the error of one key, of the whole entry where it is empty."""
        entry = self.entries[self.number]
        line = line_of(self.entries, self.number, *key.split(".")) if key else line_of(self.entries, self.number)
        at = f"{self.file}:{line}" if line else self.file
        name = entry.get("name") if isinstance(entry, Mapping) else None
        named = f" ({name})" if isinstance(name, str) else ""
        return ConfigError(f"{at}: alerts entry {self.number + 1}{named}: {f'{key}: ' if key else ''}{why}")

    def read(self, key: str, make: Callable[[], Value]) -> Value:
        """Return what `make` makes of the value of `key`; its UsageError names the place."""
        try:
            return make()
        except UsageError as error:
            raise self.error(key, str(error)) from None


def _rule(entry: AlertEntry, here: _Place, known: Mapping[str, frozenset[str]]) -> Rule:
    for key in ("notify", "inhibits"):
        for name in _names(getattr(entry, key)):
            if name not in known[key] or (key == "inhibits" and name == entry.name):
                raise here.error(key, f"{name!r} is not there; known: {', '.join(sorted(known[key])) or 'none'}")
    what = here.read("measure", lambda: watched(entry.measure))
    condition = _condition(entry, here, known["budget"], what)
    every = _length(entry, "every", EVERY, here)
    if every < timedelta(seconds=1):
        raise here.error("every", "at least 1s")
    return Rule(
        name=entry.name.strip(),
        condition=condition,
        measure=entry.measure,
        filters=tuple(_filters(entry, here, what)),
        group_by=here.read("group_by", lambda: tuple(dict.fromkeys(map(known_key, _names(entry.group_by))))),
        window=_window(entry, here),
        min_samples=entry.min_samples,
        missing=entry.missing,
        every=every,
        delay=_length(entry, "delay", DELAY, here),
        hold=NO_TIME if entry.hold is UNSET else length(entry.hold),
        keep_firing_for=_length(entry, "keep_firing_for", NO_TIME, here),
        severity=entry.severity,
        labels=MappingProxyType({name: str(value) for name, value in entry.labels.items()}),
        notify=tuple(_names(entry.notify)),
        repeat=None if entry.repeat is UNSET else length(entry.repeat),
        inhibits=tuple(_names(entry.inhibits)),
        notify_past=entry.notify_past,
    )


def _condition(entry: AlertEntry, here: _Place, budgets: frozenset[str], what: Watched) -> Condition:
    has_limit = entry.above is not UNSET or entry.below is not UNSET
    if [has_limit, entry.anomaly is not UNSET, entry.budget is not UNSET].count(True) != 1:
        raise here.error("", "one of above: (or below:), anomaly: and budget: is expected")
    if isinstance(entry.anomaly, AnomalyEntry):
        return _anomaly(entry, entry.anomaly, here, what)
    if entry.budget is not UNSET:
        return _budget(entry, here, budgets)
    above, below = entry.above, entry.below
    return Threshold(
        above=None if above is UNSET else here.read("above", lambda: limit_in(what.unit, above)),
        below=None if below is UNSET else here.read("below", lambda: limit_in(what.unit, below)),
    )


def _anomaly(entry: AlertEntry, said: AnomalyEntry, here: _Place, what: Watched) -> Anomaly:
    if what.name != "cost" or what.is_rate:
        raise here.error("anomaly", f"anomalies are looked for in cost, not in {entry.measure}; use above:")
    excess, ratio, baseline = said.min_excess_usd, said.ratio, length(said.baseline)
    if not _SHORTEST_BASELINE <= baseline <= _LONGEST_BASELINE:
        raise here.error("anomaly.baseline", f"from {_SHORTEST_BASELINE.days}d to {_LONGEST_BASELINE.days}d")
    return Anomaly(
        baseline=baseline,
        ratio=Decimal(3) if ratio is UNSET else here.read("anomaly.ratio", lambda: _ratio(ratio)),
        min_excess_usd=None
        if excess is UNSET
        else here.read("anomaly.min_excess_usd", lambda: limit_in(MeasureUnit.USD, excess)),
        windows=() if entry.window is UNSET else (length(entry.window),),
    )


def _ratio(said: Said) -> Decimal:
    ratio = limit_in(MeasureUnit.RATIO, said)
    if not 1 < ratio <= 20:
        raise UsageError(f"{said!r}: a ratio over 1 and up to 20, as in 3 for three times what is expected")
    return ratio


def _budget(entry: AlertEntry, here: _Place, budgets: frozenset[str]) -> BudgetAlert:
    said = entry.budget if isinstance(entry.budget, BudgetEntry) else BudgetEntry(name=str(entry.budget))
    if said.name not in budgets:
        raise here.error("budget", f"no budget {said.name!r}; known: {', '.join(sorted(budgets)) or 'none'}")
    if entry.where or entry.group_by or entry.window is not UNSET or entry.measure != "cost":
        raise here.error("budget", "a budget has its own scope and period: no measure:, where:, window: or group_by:")
    if said.at is UNSET:
        return BudgetAlert(budget=said.name, forecast=said.forecast, burn=said.burn)
    at = said.at
    levels = here.read("budget.at", lambda: [_level(level) for level in at])
    return BudgetAlert(budget=said.name, levels=tuple(sorted(set(levels))), forecast=said.forecast, burn=said.burn)


def _level(said: Said) -> Decimal:
    text = str(said)
    level = Decimal(text[:-1]) / 100 if re.fullmatch(r"\d+(\.\d+)?%", text) else Decimal(0)
    if not 0 < level <= 10:
        raise UsageError(f"{said!r} is no share of a budget, such as 80%")
    return level


def _filters(entry: AlertEntry, here: _Place, what: Watched) -> list[Filter]:
    found = []
    for given, said in entry.where.items():
        key = here.read(f"where.{given}", partial(known_key, given))
        if key in what.taken_keys:
            raise here.error(f"where.{given}", f"{entry.measure} is a matter of {key} already")
        for value in said if isinstance(said, list) else [said]:
            text = str(value)
            found.append(Filter(key, text.removeprefix("!") or None, text.startswith("!")))
    if what.name in FACTS and (found or _names(entry.group_by)):
        raise here.error("measure", f"{entry.measure} is of the whole ledger: no where: or group_by:")
    return found


def _window(entry: AlertEntry, here: _Place) -> timedelta:
    window = _length(entry, "window", timedelta(hours=1), here)
    if not timedelta(seconds=1) <= window <= timedelta(days=366):
        raise here.error("window", "from 1s to 366d")
    return window


def _length(entry: AlertEntry, key: str, otherwise: timedelta, here: _Place) -> timedelta:
    said = getattr(entry, key)
    return otherwise if said is UNSET else here.read(key, lambda: length(said))


def _names(said: list[str] | str) -> list[str]:
    return [said] if isinstance(said, str) else said
