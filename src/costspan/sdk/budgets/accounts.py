"""The accounts of this process: one for each name, however many `budget` objects speak of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Final
from weakref import WeakValueDictionary

from costspan.core.budget import BudgetPeriod
from costspan.core.budget_decision import Standing
from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.sdk.budgets.account import Account
from costspan.sdk.budgets.verdicts import Verdicts

_LOCAL_SLOT_S: Final = 60.0
_SERVER_SLOT_S: Final = 1.0

_lock = threading.Lock()
_accounts: Final[WeakValueDictionary[str, Account]] = WeakValueDictionary()


def local_account(name: str, amount: int, period: str | None) -> Account:
    """Return the account of a budget that this process alone spends. Raise UsageError where the name means another."""
    calendar = BudgetPeriod(period) if period else None

    def outside() -> tuple[Standing, float]:
        now = calendar.at(system_clock()) if calendar else None
        return Standing(amount, 0, period=now), now.since.timestamp() if now else 0.0

    return _shared(name, (amount, period), lambda: Account(name, outside, slot_s=_LOCAL_SLOT_S))


def server_account(name: str, url: str, headers: Mapping[str, str], *, wait_s: float, max_stale_s: float) -> Account:
    """Return the account of a budget of the server at `url`, its first verdict asked for."""

    def made() -> Account:
        verdicts = Verdicts(name, url, headers, wait_s=wait_s, max_stale_s=max_stale_s)
        return Account(name, verdicts.standing, slot_s=_SERVER_SLOT_S, verdicts=verdicts)

    return _shared(name, (url, wait_s, max_stale_s), made)


def _shared(name: str, terms: tuple[object, ...], make: Callable[[], Account]) -> Account:
    with _lock:
        account = _accounts.get(name)
        if account is None:
            _accounts[name] = account = make()
            account.terms = terms
        elif account.terms != terms:
            raise UsageError(f"budget {name!r} is in use with other terms; one name is one budget in a process")
        return account


def _renew_locks() -> None:
    global _lock  # noqa: PLW0603 - a forked child has the parent's locks, which nobody there will release
    _lock = threading.Lock()
    for account in list(_accounts.values()):
        account.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
