"""Drivers of a difference: they add up to it to the pico-dollar, in whatever order the facts come."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from costspan.server.analytics.drivers import MOST_MODELS, PARTS, Amounts, drivers
from costspan.server.store.question import Spend

MICRO = 10**6
COUNTS = st.integers(0, 10**7)
AMOUNTS = st.integers(0, 10**18)


def spent(calls: int, tokens_in: int, tokens_out: int, in_price: int, out_price: int, **more: int) -> Spend:
    """Calls of so many tokens each, at pico-dollars a token."""
    said = {
        "calls": calls,
        "input_tokens": calls * tokens_in,
        "output_tokens": calls * tokens_out,
        "input_cost": calls * tokens_in * in_price,
        "output_cost": calls * tokens_out * out_price,
    } | more
    return Spend(**said, cost=sum(said.get(f"{kind}_cost", 0) for kind in ("input", "output", "cache_read", "fee")))


def cells(**models: Spend) -> dict:
    return {(name.removesuffix("_again"), name.endswith("_again")): Amounts.of([each]) for name, each in models.items()}


def only(parts: dict[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in parts.items() if amount}


@st.composite
def any_spend(draw: st.DrawFn) -> Spend:
    """Sums as they come, also such as no product makes: costs without tokens, tokens without calls, corrections."""
    kinds = ("input", "cache_read", "cache_write", "output")
    said = {f"{kind}_tokens": draw(COUNTS) for kind in kinds} | {f"{kind}_cost": draw(AMOUNTS) for kind in kinds}
    cost = draw(st.none() | st.integers(-(10**15), 10**19))
    return Spend(calls=draw(COUNTS), cost=cost, fee_cost=draw(st.none() | AMOUNTS), **said)


SIDES = st.dictionaries(st.tuples(st.sampled_from([None, "a", "b", "c"]), st.booleans()), any_spend(), max_size=6)


@given(observed=SIDES, usual=SIDES, windows=st.integers(1, 3))
def test_the_parts_add_up_to_the_difference_exactly(observed: dict, usual: dict, windows: int) -> None:
    parts = drivers(
        {cell: Amounts.of([spend]) for cell, spend in observed.items()},
        {cell: Amounts.of([spend], windows) for cell, spend in usual.items()},
    )

    before = sum(spend.cost or 0 for spend in usual.values())
    assert tuple(parts) == PARTS
    assert sum(parts.values()) == sum(s.cost or 0 for s in observed.values()) - round(Fraction(before, windows))


@given(observed=SIDES, usual=SIDES, seed=st.integers(0, 1000))
def test_the_order_of_the_facts_changes_nothing(observed: dict, usual: dict, seed: int) -> None:
    def shuffled(side: dict) -> dict:
        items = [(cell, Amounts.of([spend])) for cell, spend in side.items()]
        Random(seed).shuffle(items)
        return dict(items)

    def plain(side: dict) -> dict:
        return {cell: Amounts.of([spend]) for cell, spend in side.items()}

    assert drivers(shuffled(observed), shuffled(usual)) == drivers(plain(observed), plain(usual))


@given(observed=SIDES, usual=SIDES)
def test_what_was_gained_one_way_is_lost_the_other(observed: dict, usual: dict) -> None:
    one = {cell: Amounts.of([spend]) for cell, spend in observed.items()}
    other = {cell: Amounts.of([spend]) for cell, spend in usual.items()}

    there, back = drivers(one, other), drivers(other, one)

    assert all(abs(there[name] + back[name]) <= 1 for name in PARTS)


def test_each_cause_alone_is_told_as_that_cause() -> None:
    usual = cells(gpt=spent(100, 1000, 200, 2 * MICRO, 8 * MICRO))

    def told(**changed: Spend) -> dict[str, int]:
        return only(drivers(cells(**changed), usual))

    before = 100 * (1000 * 2 + 200 * 8) * MICRO
    assert told(gpt=spent(800, 1000, 200, 2 * MICRO, 8 * MICRO)) == {"calls": 7 * before}
    assert told(gpt=spent(100, 3000, 200, 2 * MICRO, 8 * MICRO)) == {"input_tokens": 100 * 2000 * 2 * MICRO}
    assert told(gpt=spent(100, 1000, 500, 2 * MICRO, 8 * MICRO)) == {"output_tokens": 100 * 300 * 8 * MICRO}
    assert told(gpt=spent(100, 1000, 200, 4 * MICRO, 16 * MICRO)) == {"price": before}
    assert told(large=spent(100, 1000, 200, 10 * MICRO, 40 * MICRO)) == {"model_mix": 4 * before}
    assert told(gpt=spent(100, 1000, 200, 2 * MICRO, 8 * MICRO, fee_cost=7)) == {"fees": 7}
    again = spent(300, 1000, 200, 2 * MICRO, 8 * MICRO)
    assert told(gpt=spent(100, 1000, 200, 2 * MICRO, 8 * MICRO), gpt_again=again) == {"retries": 3 * before}


def test_a_cache_that_is_missed_is_told_as_cache_share() -> None:
    cached = {"cache_read_tokens": 80_000, "cache_read_cost": 80_000 * MICRO // 10}
    usual = cells(gpt=spent(100, 200, 0, MICRO, 0, **cached))
    observed = cells(gpt=spent(100, 1000, 0, MICRO, 0))

    assert only(drivers(observed, usual)) == {"cache_share": 80_000 * (MICRO - MICRO // 10)}


def test_of_a_new_group_and_of_a_gone_one_all_is_calls() -> None:
    group = cells(gpt=spent(10, 1000, 200, 2 * MICRO, 8 * MICRO))
    cost = 10 * (1000 * 2 + 200 * 8) * MICRO

    assert only(drivers(group, {})) == {"calls": cost}
    assert only(drivers({}, group)) == {"calls": -cost}
    assert only(drivers({}, {})) == {}


def test_twice_the_calls_at_twice_the_price_share_what_they_make_together() -> None:
    usual = cells(gpt=spent(100, 1000, 0, 2 * MICRO, 0))
    observed = cells(gpt=spent(200, 1000, 0, 4 * MICRO, 0))

    one = 100 * 1000 * 2 * MICRO
    assert only(drivers(observed, usual)) == {"calls": 3 * one // 2, "price": 3 * one // 2}


def test_money_that_no_call_stands_for_is_told_apart() -> None:
    rebate = {("gpt", False): Amounts.of([Spend(cost=-5_000)])}

    assert only(drivers(rebate, {})) == {"other": -5_000}


def test_a_thousand_models_are_taken_apart_as_quickly_as_some() -> None:
    many = {(f"m{number}", False): Amounts.of([spent(1, 10, 1, number, number)]) for number in range(1_000)}

    parts = drivers(many, {})

    assert len(many) > MOST_MODELS
    assert sum(parts.values()) == sum(11 * number for number in range(1_000))
