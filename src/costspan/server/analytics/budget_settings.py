"""Budgets as the `budgets:` list of a costspan.yaml says them. A budget that can never fire is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from costspan.core.budget import Budget, BudgetPeriod, OnUnpriced
from costspan.core.errors import ConfigError, UsageError
from costspan.core.money import PicoUsd, pico_from_usd
from costspan.server.store.question import COLUMNS, TAG, known_key
from costspan.server.yaml_lines import line_of

KEYS: Final = ("name", "scope", "amount_usd", "period", "notify", "on_unpriced")
_CHANGES_WITH_ITS_CALLS: Final = ("price_status", "attempt", "finish_reason", "error_type", "dialect")
"""Keys that say how a call went, and not whose it was: known only once it is made."""
SCOPE_KEYS: Final = tuple(key for key in COLUMNS if key not in _CHANGES_WITH_ITS_CALLS)
_MAX_USD: Final = 9_000_000
"""Above this an amount in pico-dollars does not fit into the ledger's 64 bits."""


def parse_budgets(
    entries: object, place: str = "costspan.yaml", *, notifiers: Collection[str] | None = None
) -> tuple[Budget, ...]:
    """Return the budgets of a `budgets:` list. Raise ConfigError that names `place`, the line, the entry and the key.

    `notifiers` are the names that `notify:` may say; None takes any.
    """
    if entries is None:
        return ()
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ConfigError(f"{place}: budgets: a list of entries, each with name:, amount_usd: and period:")
    found: dict[str, Budget] = {}
    for number, entry in enumerate(entries):
        where = _Place(place, entries, number)
        budget = _entry(entry, where, notifiers)
        if budget.name in found:
            raise where.error("name", f"{budget.name!r} is taken already")
        found[budget.name] = budget
    return tuple(found.values())


def budget_places(entries: object, place: str) -> Mapping[str, str]:
    """Return where each budget of a `budgets:` list that was accepted stands, by its name."""
    if not isinstance(entries, Sequence):
        return {}
    return {str(entry["name"]).strip(): _Place(place, entries, number).text for number, entry in enumerate(entries)}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands, for errors."""

    file: str
    entries: Sequence[Any]
    number: int

    @property
    def text(self) -> str:
        """The file, the line and the entry."""
        return self._at()

    def error(self, key: str, why: str) -> ConfigError:
        """Return the error of one key, of the whole entry where it is empty."""
        return ConfigError(f"{self._at(*([key] if key else []))}: {f'{key}: ' if key else ''}{why}")

    def _at(self, *keys: str) -> str:
        line = line_of(self.entries, self.number, *keys)
        at = f"{self.file}:{line}" if line else self.file
        return f"{at}: budgets entry {self.number + 1}"


def _entry(entry: object, where: _Place, notifiers: Collection[str] | None) -> Budget:
    if not isinstance(entry, Mapping):
        raise where.error("", "a mapping with name:, amount_usd: and period:")
    for key in entry:
        if key not in KEYS:
            raise where.error("", f"unknown key {key!r}; known: {', '.join(KEYS)}")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise where.error("name", "the name of the budget")
    try:
        period = BudgetPeriod(str(entry.get("period", "month")))
    except UsageError as error:
        raise where.error("", str(error)) from None
    return Budget(
        name=name.strip(),
        amount=_amount(entry.get("amount_usd"), where),
        period=period,
        scope=_scope(entry.get("scope", {}), where),
        on_unpriced=_on_unpriced(entry.get("on_unpriced", OnUnpriced.WARN), where),
        notify=_notify(entry.get("notify", []), where, notifiers),
    )


def _amount(said: object, where: _Place) -> PicoUsd:
    amount = PicoUsd(0)
    if isinstance(said, str | int | float) and not isinstance(said, bool):
        # A YAML number is read as the decimal that was written.
        with suppress(ValueError, ArithmeticError):
            amount = pico_from_usd(Decimal(str(said)))
    if not 0 < amount <= pico_from_usd(_MAX_USD):
        raise where.error("amount_usd", f"US dollars above 0 and up to {_MAX_USD:,}, found {said!r}")
    return amount


def _scope(said: object, where: _Place) -> Mapping[str, str]:
    if not isinstance(said, Mapping):
        raise where.error("scope", "a mapping of keys to values, such as {team: search}")
    scope: dict[str, str] = {}
    for given, value in said.items():
        key = _scope_key(str(given), where)
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
            raise where.error("scope", f"{given}: one value, found {value!r}")
        scope[key] = str(value).strip()
    return MappingProxyType(scope)


def _scope_key(given: str, where: _Place) -> str:
    try:
        key = known_key(given)
    except UsageError:
        key = ""
    if key in SCOPE_KEYS or key.startswith(TAG):
        return key
    raise where.error("scope", f"unknown key {given!r}; known: {', '.join(SCOPE_KEYS)}, tag.NAME")


def _on_unpriced(said: object, where: _Place) -> OnUnpriced:
    try:
        return OnUnpriced(str(said))
    except ValueError:
        raise where.error("on_unpriced", f"{', '.join(OnUnpriced)}, found {said!r}") from None


def _notify(said: object, where: _Place, notifiers: Collection[str] | None) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(name, str) and name for name in said):
        raise where.error("notify", f"a list of names of notifiers, found {said!r}")
    for name in said:
        if notifiers is not None and name not in notifiers:
            raise where.error("notify", f"{name!r} is not there; notifiers: {', '.join(sorted(notifiers)) or 'none'}")
    return tuple(said)
