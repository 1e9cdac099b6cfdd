"""Budgets as the `budgets:` list of a costspan.yaml says them. A budget that can never fire is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from costspan.core.budget import Budget, BudgetPeriod, OnUnpriced
from costspan.core.errors import ConfigError, UsageError
from costspan.core.money import PicoUsd, pico_from_usd
from costspan.server.store.question import COLUMNS, TAG, known_key

KEYS: Final = ("name", "scope", "amount_usd", "period", "notify", "on_unpriced")
_CHANGES_WITH_ITS_CALLS: Final = ("price_status", "attempt", "finish_reason", "error_type", "dialect")
"""Keys that say how a call went, and not whose it was: known only once it is made."""
SCOPE_KEYS: Final = tuple(key for key in COLUMNS if key not in _CHANGES_WITH_ITS_CALLS)
_MAX_USD: Final = 9_000_000
"""Above this an amount in pico-dollars does not fit into the ledger's 64 bits."""


def parse_budgets(entries: object, place: str = "costspan.yaml") -> tuple[Budget, ...]:
    """Return the budgets of a `budgets:` list. Raise ConfigError that names `place`, the entry and the key."""
    if entries is None:
        return ()
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ConfigError(f"{place}: budgets: a list of entries, each with name:, amount_usd: and period:")
    found: dict[str, Budget] = {}
    for number, entry in enumerate(entries, start=1):
        budget = _entry(entry, f"{place}: budgets entry {number}")
        if budget.name in found:
            raise ConfigError(f"{place}: budgets entry {number}: name: {budget.name!r} is taken already")
        found[budget.name] = budget
    return tuple(found.values())


def _entry(entry: object, where: str) -> Budget:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a mapping with name:, amount_usd: and period:")
    for key in entry:
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(KEYS)}")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{where}: name: the name of the budget")
    try:
        period = BudgetPeriod(str(entry.get("period", "month")))
    except UsageError as error:
        raise ConfigError(f"{where}: {error}") from None
    return Budget(
        name=name.strip(),
        amount=_amount(entry.get("amount_usd"), where),
        period=period,
        scope=_scope(entry.get("scope", {}), where),
        on_unpriced=_on_unpriced(entry.get("on_unpriced", OnUnpriced.WARN), where),
        notify=_notify(entry.get("notify", []), where),
    )


def _amount(said: object, where: str) -> PicoUsd:
    amount = PicoUsd(0)
    if isinstance(said, str | int | float) and not isinstance(said, bool):
        # A YAML number is read as the decimal that was written.
        with suppress(ValueError, ArithmeticError):
            amount = pico_from_usd(Decimal(str(said)))
    if not 0 < amount <= pico_from_usd(_MAX_USD):
        raise ConfigError(f"{where}: amount_usd: US dollars above 0 and up to {_MAX_USD:,}, found {said!r}")
    return amount


def _scope(said: object, where: str) -> Mapping[str, str]:
    if not isinstance(said, Mapping):
        raise ConfigError(f"{where}: scope: a mapping of keys to values, such as {{team: search}}")
    scope: dict[str, str] = {}
    for given, value in said.items():
        key = _scope_key(str(given), where)
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
            raise ConfigError(f"{where}: scope: {given}: one value, found {value!r}")
        scope[key] = str(value).strip()
    return MappingProxyType(scope)


def _scope_key(given: str, where: str) -> str:
    try:
        key = known_key(given)
    except UsageError:
        key = ""
    if key in SCOPE_KEYS or key.startswith(TAG):
        return key
    raise ConfigError(f"{where}: scope: unknown key {given!r}; known: {', '.join(SCOPE_KEYS)}, tag.NAME")


def _on_unpriced(said: object, where: str) -> OnUnpriced:
    try:
        return OnUnpriced(str(said))
    except ValueError:
        raise ConfigError(f"{where}: on_unpriced: {', '.join(OnUnpriced)}, found {said!r}") from None


def _notify(said: object, where: str) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(name, str) and name for name in said):
        raise ConfigError(f"{where}: notify: a list of names of notifiers, found {said!r}")
    return tuple(said)
