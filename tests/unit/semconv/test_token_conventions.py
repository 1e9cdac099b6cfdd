"""Reported counts become disjoint leaves under the convention that is known, or that the numbers prove."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costspan.core.call import UsageState
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.semconv import conventions
from costspan.semconv.conventions import (
    CACHE_APART,
    INCLUSIVE,
    Convention,
    Counts,
    Split,
    inclusive_counts,
    known_convention,
    split,
)

CONVENTIONS = [INCLUSIVE, CACHE_APART, Convention(True, False), Convention(False, False)]
tokens = st.integers(0, 10**8)
maybe = st.none() | st.integers(-5, 10**6)
any_counts = st.builds(Counts, **dict.fromkeys(Counts._fields, maybe))


def counted(convention: Convention, uncached: int, read: int, written: int, visible: int, reasoning: int) -> Counts:
    """Return what an emitter of `convention` reports for these leaves."""
    return Counts(
        input=uncached + (read + written if convention.input_includes_cache else 0),
        output=visible + (reasoning if convention.output_includes_reasoning else 0),
        cache_read=read,
        cache_write=written,
        reasoning=reasoning,
    )


@pytest.mark.parametrize("convention", CONVENTIONS)
@given(uncached=tokens, read=tokens, written=tokens, visible=tokens, reasoning=tokens)
def test_under_the_right_convention_the_leaves_come_back(
    convention, uncached, read, written, visible, reasoning
) -> None:
    assume(uncached + read + written + visible + reasoning)
    found = split(counted(convention, uncached, read, written, visible, reasoning), convention)
    expected = {
        Unit.INPUT: uncached, Unit.CACHE_READ: read, Unit.CACHE_WRITE_5M: written, Unit.OUTPUT: visible,
        Unit.REASONING: reasoning,
    }  # fmt: skip
    assert {unit: found.usage[unit] for unit in expected} == expected
    assert found.state is UsageState.REPORTED


@pytest.mark.parametrize("convention", CONVENTIONS)
@given(uncached=tokens, read=tokens, written=tokens, visible=tokens, reasoning=tokens)
def test_a_reported_total_decides_where_the_scope_is_unknown(
    convention, uncached, read, written, visible, reasoning
) -> None:
    assume(read + written != reasoning)
    total = uncached + read + written + visible + reasoning
    assume(total)
    counts = counted(convention, uncached, read, written, visible, reasoning)
    found = split(
        Counts(**{name: getattr(counts, name) for name in Counts._fields if name != "total"}, total=total), None
    )
    assert found.state is UsageState.REPORTED
    assert found.usage.tokens == total
    assert found.usage.cache_read_tokens == read
    assert found.usage.reasoning_tokens == reasoning


@given(any_counts, st.sampled_from([None, *CONVENTIONS]))
def test_no_counts_whatever_raise_or_give_a_negative_leaf_or_money_out_of_nothing(counts: Counts, known) -> None:
    found = split(counts, known)
    assert all(quantity > 0 for _, quantity in found.usage)
    assert bool(found.usage) == (found.state in (UsageState.REPORTED, UsageState.ASSUMED))
    if found.state is not UsageState.REPORTED:
        assert found.note


@given(any_counts)
def test_a_negative_count_is_invalid_and_never_clamped(counts: Counts) -> None:
    if any((getattr(counts, name) or 0) < 0 for name in Counts._fields):
        assert split(counts, INCLUSIVE).state is UsageState.INVALID


@pytest.mark.parametrize(
    "counts",
    [
        Counts(input=100, output=10, cache_read=101),
        Counts(input=100, output=10, cache_read=60, cache_write=41),
        Counts(input=100, output=10, reasoning=11),
        Counts(input=100, output=10, input_audio=101),
        Counts(input=100, output=10, cache_read=5, cache_read_audio=6),
        Counts(input=1_000_000_001, output=10),
    ],
)
def test_numbers_that_contradict_a_known_convention_are_invalid(counts: Counts) -> None:
    found = split(counts, INCLUSIVE)
    assert (found.state, dict(found.usage)) == (UsageState.INVALID, {})
    assert found.note


@pytest.mark.parametrize(
    ("counts", "state", "leaves"),
    [
        (Counts(), UsageState.MISSING, {}),
        (Counts(input=0, output=0), UsageState.MISSING, {}),
        (Counts(total=500), UsageState.MISSING, {}),
        (Counts(input=0, output=0, total=500), UsageState.MISSING, {}),
        (Counts(input=8), UsageState.REPORTED, {Unit.INPUT: 8}),
        (Counts(input=0, output=5), UsageState.REPORTED, {Unit.OUTPUT: 5}),
        (Counts(output=5), UsageState.ASSUMED, {Unit.OUTPUT: 5}),
        (Counts(input=8, total=20), UsageState.REPORTED, {Unit.INPUT: 8, Unit.OUTPUT: 12}),
        (Counts(output=12, total=20), UsageState.REPORTED, {Unit.INPUT: 8, Unit.OUTPUT: 12}),
        (Counts(input=50, output=77, cache_read=1000, cache_write=300), UsageState.REPORTED,
         {Unit.INPUT: 50, Unit.CACHE_READ: 1000, Unit.CACHE_WRITE_5M: 300, Unit.OUTPUT: 77}),
        (Counts(input=1350, output=77, cache_read=1000), UsageState.ASSUMED,
         {Unit.INPUT: 350, Unit.CACHE_READ: 1000, Unit.OUTPUT: 77}),
        (Counts(input=100, output=10, reasoning=30), UsageState.REPORTED,
         {Unit.INPUT: 100, Unit.OUTPUT: 10, Unit.REASONING: 30}),
        (Counts(input=50, output=77, cache_read=1000, reasoning=40), UsageState.ASSUMED,
         {Unit.INPUT: 50, Unit.CACHE_READ: 1000, Unit.OUTPUT: 37, Unit.REASONING: 40}),
        (Counts(input=100, reasoning=50, total=300), UsageState.REPORTED,
         {Unit.INPUT: 100, Unit.OUTPUT: 150, Unit.REASONING: 50}),
        (Counts(output=50, cache_read=200, total=350), UsageState.REPORTED,
         {Unit.INPUT: 100, Unit.CACHE_READ: 200, Unit.OUTPUT: 50}),
        (Counts(input=500, output=40, reasoning=60, cache_read=300, tool_use_input=25, total=625), UsageState.REPORTED,
         {Unit.INPUT: 200, Unit.CACHE_READ: 300, Unit.TOOL_USE_INPUT: 25, Unit.OUTPUT: 40, Unit.REASONING: 60}),
        (Counts(input=1350, output=77, cache_write=300, cache_write_5m=200, cache_write_1h=100), UsageState.ASSUMED,
         {Unit.INPUT: 1050, Unit.CACHE_WRITE_5M: 200, Unit.CACHE_WRITE_1H: 100, Unit.OUTPUT: 77}),
    ],
)  # fmt: skip
def test_an_unknown_scope_is_read_by_its_own_numbers(counts, state, leaves) -> None:
    found = split(counts, None)
    assert (found.state, dict(found.usage)) == (state, leaves)


@pytest.mark.parametrize(
    ("scope", "version", "convention"),
    [
        ("opentelemetry.instrumentation.genai.openai", "1.3b0", INCLUSIVE),
        ("opentelemetry.instrumentation.genai.bedrock", "1.3b0", CACHE_APART),
        ("opentelemetry.instrumentation.botocore.bedrock-runtime", "0.66b2", CACHE_APART),
        ("opentelemetry.instrumentation.openai.v1", "0.62.4", INCLUSIVE),
        ("opentelemetry.instrumentation.anthropic", "0.62.4", INCLUSIVE),
        ("openlit.instrumentation.anthropic", "1.45", CACHE_APART),
        ("openinference.instrumentation.openai", "0.1.66", INCLUSIVE),
        ("somebody.else", "", None),
        ("", "not.a.version", None),
    ],
)
def test_the_convention_of_a_scope_is_data(scope: str, version: str, convention: Convention | None) -> None:
    assert known_convention(scope, version) == convention


@given(
    counts=any_counts, known=st.none() | st.sampled_from(CONVENTIONS), usual=st.none() | st.sampled_from(CONVENTIONS)
)
def test_the_short_way_for_the_usual_counts_gives_what_the_long_way_gives(counts, known, usual) -> None:
    short = conventions._usual_split(counts, known)
    assert short is None or short == conventions._any_split(counts, known, usual)


@given(quantities=st.dictionaries(st.sampled_from(Unit), st.integers(1, 10**6), min_size=1))
def test_any_usage_said_as_opentelemetry_counts_comes_back_as_it_was(quantities) -> None:
    told = Split(Usage(quantities), UsageState.REPORTED, time_to_live_said=True)

    assert split(inclusive_counts(Counts(), told), INCLUSIVE).usage == told.usage
