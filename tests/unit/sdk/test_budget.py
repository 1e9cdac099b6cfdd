"""`costspan.budget` with an amount of this process's own: what fits is made, what does not is refused beforehand."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import costspan
from costspan.core.budget import BudgetPeriod
from costspan.core.budget_decision import Decision, Standing
from costspan.core.errors import UsageError
from costspan.sdk.budgets.account import Account

from .conftest import Application

_names = (f"budget-{number}" for number in itertools.count())
CALL_USD = Decimal("0.001525")
"""What one call of the application costs."""


def own(amount_usd: Any, **options: Any) -> costspan.budget:
    """Return a budget nobody else in this process speaks of."""
    return costspan.budget(next(_names), amount_usd, **options)


def test_calls_are_made_until_the_next_one_does_not_fit(application: Application) -> None:
    budget = own("0.005", estimate_usd=CALL_USD)

    @budget
    def ask() -> None:
        application.call()

    for _ in range(3):
        ask()
    with pytest.raises(costspan.BudgetExceeded) as refused:
        ask()
    assert len(application.arrived.get_finished_spans()) == 3
    decision = refused.value.decision
    assert (decision.state, decision.spent_usd, decision.amount_usd) == ("exceeded", 3 * CALL_USD, Decimal("0.005"))
    assert "$0.004575 of $0.005 spent" in str(refused.value)


def test_threads_that_enter_at_once_cannot_race_past_the_limit(application: Application) -> None:
    budget = own("0.005", estimate_usd=CALL_USD)
    all_decided = threading.Barrier(8)

    def ask(_: int) -> bool:
        try:
            with budget:
                all_decided.wait(20)  # nobody has spent anything yet when the last one is refused
                application.call()
                return True
        except costspan.BudgetExceeded:
            all_decided.wait(20)
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 5 + [True] * 3
    assert budget.look().spent_usd == 3 * CALL_USD
    assert budget.look().reserved_usd == 0


def test_tasks_that_enter_at_once_cannot_race_past_the_limit(application: Application) -> None:
    budget = own("0.005", estimate_usd=CALL_USD)

    async def ask() -> bool:
        try:
            async with budget:
                await asyncio.sleep(0)
                application.call()
                return True
        except costspan.BudgetExceeded:
            return False

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(ask() for _ in range(8)))

    assert sorted(asyncio.run(all_at_once())) == [False] * 5 + [True] * 3
    assert budget.look().spent_usd == 3 * CALL_USD


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fits=st.integers(0, 60),
    outcomes=st.lists(st.sampled_from(["call", "fail", "nothing", "track"]), min_size=24, max_size=64),
)
def test_whatever_threads_do_the_money_spent_is_the_money_of_their_calls_and_within_the_limit(
    application: Application, fits: int, outcomes: list[str]
) -> None:
    budget = own(fits * CALL_USD + Decimal("0.000001"), estimate_usd=CALL_USD)

    def act(outcome: str) -> int:
        try:
            with budget:
                if outcome == "call":
                    application.call()
                elif outcome == "track":
                    with application.track() as call:
                        call.record_usage(input_tokens=1000, cache_read_tokens=200, output_tokens=50)
                elif outcome == "fail":
                    application.call(error__type="openai.RateLimitError", **NO_USAGE)
            return int(outcome in ("call", "track"))
        except costspan.BudgetExceeded:
            return 0

    with ThreadPoolExecutor(6) as pool:
        made = sum(pool.map(act, outcomes))
    assert budget.look().spent_usd == made * CALL_USD
    assert made <= fits
    assert budget.look().reserved_usd == 0


NO_USAGE: dict[str, None] = {
    "gen_ai__usage__input_tokens": None,
    "gen_ai__usage__cache_read__input_tokens": None,
    "gen_ai__usage__output_tokens": None,
}


def test_a_failed_call_gives_back_what_was_reserved_for_it(application: Application) -> None:
    budget = own("0.002", estimate_usd="0.002")
    for _ in range(5):
        with budget:
            application.call(error__type="ConnectionError", **NO_USAGE)
    assert budget.look().spent_usd == 0
    assert budget.look(), "the budget is free again"


@pytest.mark.parametrize(
    "unknown",
    [NO_USAGE, {"gen_ai__request__model": "in-house-7", "gen_ai__response__model": "in-house-7"}],
    ids=["usage missing", "model without a price"],
)
def test_a_call_whose_cost_nobody_knows_counts_as_much_as_was_expected_of_it(
    application: Application, unknown: dict[str, Any]
) -> None:
    budget = own("0.005", estimate_usd="0.002")
    with budget:
        application.call(**unknown)
    assert budget.look().spent_usd == Decimal("0.002")


def test_each_tracked_call_of_a_block_is_asked_for_by_itself(application: Application) -> None:
    def ask() -> None:
        with application.track() as call:
            call.record_usage(input_tokens=1000, cache_read_tokens=200, output_tokens=50)

    with own("0.005", estimate_usd=CALL_USD):
        for _ in range(3):
            ask()
        with pytest.raises(costspan.BudgetExceeded):
            ask()
    assert len(application.arrived.get_finished_spans()) == 3


def test_a_call_inside_two_budgets_counts_in_both_and_is_refused_by_the_smaller(application: Application) -> None:
    large, small = own("1", estimate_usd=CALL_USD), own("0.002", estimate_usd=CALL_USD)
    with large:
        with small:
            application.call()
        with pytest.raises(costspan.BudgetExceeded, match=r"\$0.001525 of \$0.002"), small:
            application.call()
        application.call()
    assert (large.look().spent_usd, small.look().spent_usd) == (2 * CALL_USD, CALL_USD)
    assert large.look().reserved_usd == 0


def test_calls_after_the_block_are_not_the_budget_s(application: Application) -> None:
    budget = own("1")
    with budget:
        pass
    application.call()
    assert budget.look().spent_usd == 0


def test_a_stream_that_outlives_the_block_keeps_its_reservation_until_it_ends(application: Application) -> None:
    budget = own("0.003", estimate_usd="0.002")
    with budget:
        stream = application.tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat"})
    assert budget.look().reserved_usd == Decimal("0.002")
    with pytest.raises(costspan.BudgetExceeded), budget:
        pass
    stream.set_attributes(
        {"gen_ai.request.model": "gpt-5", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 0}
    )
    stream.end()
    assert (budget.look().reserved_usd, budget.look().spent_usd) == (0, Decimal("0.00125"))


def test_a_stream_that_is_dropped_without_an_end_gives_back_what_it_held(application: Application) -> None:
    budget = own("0.003", estimate_usd="0.002")
    with budget:
        stream = application.tracer.start_span("chat")
    del stream
    assert budget.look().reserved_usd == 0


def test_warn_lets_calls_pass_and_says_so_once(application: Application, caplog: pytest.LogCaptureFixture) -> None:
    budget = own("0.001", on_exceeded="warn", estimate_usd=CALL_USD)
    for _ in range(3):
        with budget as decision:
            application.call()
            assert not decision
    assert budget.look().spent_usd == 3 * CALL_USD
    assert [record.getMessage().endswith("is exceeded; calls go on") for record in caplog.records] == [True]


def test_a_function_may_answer_with_a_cheaper_model(application: Application) -> None:
    seen: list[Decision] = []

    def cheaper(decision: Decision) -> str:
        seen.append(decision)
        return "gpt-5-mini"

    budget = own("0.001", on_exceeded=cheaper, estimate_usd=CALL_USD)
    with budget as decision:
        model = decision.answer or "gpt-5"
    assert (model, decision.allowed) == ("gpt-5-mini", False)
    assert (seen[0].budget, seen[0].estimate_usd) == (decision.budget, CALL_USD)


def test_a_function_that_fails_breaks_no_call_where_the_budget_fails_open(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Decision) -> None:
        raise RuntimeError("a fault of the application's")

    budget = own("0.001", on_exceeded=broken, estimate_usd=CALL_USD)
    for _ in range(2):
        with budget:
            application.call()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "a fault of the application's" in caplog.text
    closed = own("0.001", on_exceeded=broken, on_unavailable="closed", estimate_usd=CALL_USD)
    with pytest.raises(costspan.BudgetExceeded), closed:
        pass


def test_functions_and_generators_are_decorated(application: Application) -> None:
    budget = own("0.0035", estimate_usd=CALL_USD)

    @budget
    def ask() -> None:
        application.call()

    @budget
    async def ask_later() -> None:
        application.call()

    @budget
    def stream() -> Iterator[int]:
        yield 1

    @budget
    async def stream_later() -> AsyncIterator[int]:
        yield 1

    async def read() -> list[int]:
        return [each async for each in stream_later()]

    ask()
    asyncio.run(ask_later())
    with pytest.raises(costspan.BudgetExceeded):
        ask()
    with pytest.raises(costspan.BudgetExceeded):
        next(stream())
    with pytest.raises(costspan.BudgetExceeded):
        asyncio.run(read())
    assert budget.look().spent_usd == 2 * CALL_USD


def test_what_a_call_may_cost_is_told_from_what_calls_cost_lately(application: Application) -> None:
    budget = own("0.02")
    with budget:  # nothing is known: a cent
        assert budget.look().reserved_usd == Decimal("0.01")
        application.call()
    with budget:
        assert budget.look().reserved_usd == CALL_USD


def test_one_name_is_one_budget_in_a_process(application: Application) -> None:
    name = next(_names)
    with costspan.budget(name, "0.01"):
        application.call()
    mine = costspan.budget(name, "0.01")
    assert mine.look().spent_usd == 0, "nobody held on to the first one"
    with mine:
        application.call()
    assert costspan.budget(name, "0.01", on_exceeded="warn").look().spent_usd == CALL_USD
    with pytest.raises(UsageError, match="in use with other terms"):
        costspan.budget(name, "0.02")


def test_a_new_period_begins_with_nothing_spent() -> None:
    now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    month = BudgetPeriod("month")

    def outside() -> tuple[Standing, float]:
        period = month.at(now)
        return Standing(100, 0, period=period), period.since.timestamp()

    account = Account("monthly", outside, slot_s=60, clock=lambda: now)
    _, reservation = account.reserve(70)
    assert reservation is not None
    reservation.close(if_unheard=70)
    assert not account.look(70)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert account.look(70)
    assert account.look().spent_usd == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"amount_usd": 0}, "amount_usd is a positive amount"),
        ({"amount_usd": "much"}, "amount_usd is a positive amount"),
        ({"amount_usd": float("nan")}, "amount_usd is a positive amount"),
        ({"amount_usd": 1, "period": "year"}, "period 'year' is not month"),
        ({"amount_usd": 1, "on_exceeded": "stop"}, "on_exceeded is 'raise', 'warn' or a plain function"),
        ({"amount_usd": 1, "on_unavailable": "ajar"}, "on_unavailable is 'open' or 'closed'"),
        ({"amount_usd": 1, "estimate_usd": -1}, "estimate_usd is a positive amount"),
        ({"period": "month"}, "the server says the period"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_where_the_budget_is_made(
    arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        costspan.budget(next(_names), **arguments)
