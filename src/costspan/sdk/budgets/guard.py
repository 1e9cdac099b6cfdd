"""`budget`: refuse model calls, or make cheaper ones, before they are made. Called by the application."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar, cast

from opentelemetry.context import Context, get_current

from costspan.core.budget_decision import Decision, unavailable
from costspan.core.errors import UsageError
from costspan.sdk.budgets.account import Account
from costspan.sdk.budgets.accounts import local_account, server_account
from costspan.sdk.budgets.admission import RAISE, WARN, Admission, OnExceeded, Policy, admit, with_policy
from costspan.sdk.budgets.clients import guarded
from costspan.sdk.budgets.estimate import Ask, Usd, pico
from costspan.sdk.calls_within import CallsWithin
from costspan.sdk.config import server_address, server_headers
from costspan.sdk.entered import Entered
from costspan.sdk.generator_scope import in_async_scope, in_scope

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C")


class budget:  # noqa: N801 - read as a verb where it is called, like the managers of contextlib
    """Keep the model calls of a block, a function or a client within an amount of money.

    With `amount_usd` the budget is this process's own, spent by the calls made under its name, in each `period`
    (`day`, `week`, `month`, `30d`; default: as long as the process lives). Without, it is the one of that name in the
    server's costspan.yaml, spent by everybody, whose verdict is kept and renewed in the background.

    Before a call, what it may cost is reserved: `estimate_usd`, or worked out from its model and tokens, or what calls
    cost lately. Once it has ended, the reservation becomes what it did cost. Where it does not fit `on_exceeded` holds:
    `raise` costspan.BudgetExceeded, `warn` once a period and go on, or a function of the `Decision`, after which the
    call goes on; what it returns is the decision's `answer`. Where nobody knows, because no server answers or
    `costspan.configure` was not called, `on_unavailable` holds: `open` lets calls pass, `closed` counts as exceeded.

    `wait_s` bounds the one wait there is, for a verdict where none serves; `max_stale_s` is how long one serves when
    the server has gone. Raises UsageError for arguments that make no sense.
    """

    def __init__(  # noqa: PLR0913 - every one is a choice the application makes by name
        self,
        name: str,
        amount_usd: Usd | None = None,
        *,
        period: str | None = None,
        on_exceeded: OnExceeded = RAISE,
        on_unavailable: str = "open",
        estimate_usd: Usd | None = None,
        url: str | None = None,
        wait_s: float = 0.25,
        max_stale_s: float = 60.0,
    ) -> None:
        _check(name, amount_usd, period, on_exceeded, on_unavailable)
        if amount_usd is None:
            address = server_address(os.environ, url)
            account = server_account(name, address, server_headers(os.environ), wait_s=wait_s, max_stale_s=max_stale_s)
        else:
            account = local_account(name, pico(amount_usd, "amount_usd"), period)
        self._account: Account = account
        self._policy = Policy(
            account=account,
            on_exceeded=on_exceeded,
            fails_open=on_unavailable == "open",
            estimate=None if estimate_usd is None else pico(estimate_usd, "estimate_usd", zero=True),
        )
        self._entered: Entered[Admission] = Entered()

    def look(self) -> Decision:
        """Return where the budget stands now, without reserving anything and without waiting."""
        return self._account.look()

    def guard(self, client: C) -> C:
        """Put each model call of `client` (OpenAI and what has its shape, Anthropic, google-genai, boto3's
        bedrock-runtime) under this budget, and return the client. A copy of it made later is not guarded.

        A function as `on_exceeded` may return the name of another model, which is then called instead. Raises
        UsageError for an object without any method that calls a model.
        """
        return guarded(client, self._policy)

    def __enter__(self) -> Decision:
        return self._enter()

    async def __aenter__(self) -> Decision:
        if self._account.awaits_verdict:
            await asyncio.to_thread(self._account.wait)
        return self._enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if admission := self._entered.leave():
            admission.close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Return `function` with each of its calls in a block of its own."""
        if inspect.isasyncgenfunction(function):
            return cast("F", in_async_scope(function, self._around))
        if inspect.isgeneratorfunction(function):
            return cast("F", in_scope(function, self._around))

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            async with self:
                return await function(*args, **kwargs)

        return cast("F", coroutine if inspect.iscoroutinefunction(function) else plain)

    def _enter(self) -> Decision:
        admission = self._admitted()
        self._entered.enter(admission, with_policy(self._policy, admission.context))
        return admission.decisions[0]

    @contextmanager
    def _around(self) -> Iterator[Context]:
        admission = self._admitted()
        try:
            yield with_policy(self._policy, admission.context)
        finally:
            admission.close()

    def _admitted(self) -> Admission:
        if CallsWithin.active:
            return admit([self._policy], Ask())
        blind = unavailable(self._account.name, "costspan.configure() was not called, so nothing spent here is seen")
        return Admission(get_current(), (self._policy.goes_ahead(blind),))


def _check(name: object, amount_usd: object, period: str | None, on_exceeded: object, on_unavailable: object) -> None:
    if not isinstance(name, str) or not name:
        raise UsageError(f"a budget has a name, not {name!r}")
    if amount_usd is None and period is not None:
        raise UsageError(
            f"period: the server says the period of budget {name!r}; give an amount_usd for one of your own"
        )
    if on_exceeded not in (RAISE, WARN) and (not callable(on_exceeded) or inspect.iscoroutinefunction(on_exceeded)):
        raise UsageError(f"on_exceeded is 'raise', 'warn' or a plain function, not {on_exceeded!r}")
    if on_unavailable not in ("open", "closed"):
        raise UsageError(f"on_unavailable is 'open' or 'closed', not {on_unavailable!r}")
