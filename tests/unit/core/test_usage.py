"""Usage is disjoint whole quantities; attribution merges what the other leaves unsaid."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.core.attribution import Attribution
from costspan.core.units import FEE_UNITS, INPUT_UNITS, OUTPUT_UNITS, TOKEN_UNITS, Unit
from costspan.core.usage import Usage

usages = st.dictionaries(st.sampled_from(Unit), st.integers(0, 10**9)).map(Usage)


@pytest.mark.parametrize("unit", Unit)
def test_a_negative_quantity_is_refused_by_name(unit: Unit) -> None:
    with pytest.raises(ValueError, match=unit.value):
        Usage({Unit.INPUT: 5, unit: -1})


def test_the_views_are_sums_of_their_leaves() -> None:
    usage = Usage(
        {
            Unit.INPUT: 1, Unit.INPUT_AUDIO: 2, Unit.INPUT_IMAGE: 4, Unit.TOOL_USE_INPUT: 8, Unit.CACHE_READ: 16,
            Unit.CACHE_READ_AUDIO: 32, Unit.CACHE_WRITE_5M: 64, Unit.CACHE_WRITE_1H: 128, Unit.OUTPUT: 256,
            Unit.REASONING: 512, Unit.OUTPUT_AUDIO: 1024, Unit.WEB_SEARCH: 5,
        }
    )  # fmt: skip
    assert usage.input_tokens == 15
    assert usage.cache_read_tokens == 48
    assert usage.cache_write_tokens == 192
    assert usage.context_tokens == 255
    assert usage.output_tokens == 1792
    assert usage.reasoning_tokens == 512
    assert usage.tokens == 2047


def test_the_units_are_split_without_overlap_or_rest() -> None:
    assert sorted((*INPUT_UNITS, *OUTPUT_UNITS, *FEE_UNITS)) == sorted(Unit)
    assert sorted((*TOKEN_UNITS, *FEE_UNITS)) == sorted(Unit)


@given(usages, usages)
def test_adding_adds_each_unit(one: Usage, other: Usage) -> None:
    added = one + other
    assert all(added[unit] == one[unit] + other[unit] for unit in Unit)
    assert added == other + one
    assert added.tokens == one.tokens + other.tokens


def test_an_unused_unit_is_absent_and_equality_does_not_depend_on_order() -> None:
    assert dict(Usage({Unit.INPUT: 0})) == {}
    assert not Usage({Unit.INPUT: 0})
    one, other = Usage({Unit.INPUT: 1, Unit.OUTPUT: 2}), Usage({Unit.OUTPUT: 2, Unit.INPUT: 1})
    assert (one, hash(one)) == (other, hash(other))


def test_a_usage_does_not_change_with_the_dictionary_it_was_made_from() -> None:
    source = {Unit.INPUT: 1}
    usage = Usage(source)
    source[Unit.INPUT] = 99
    assert usage[Unit.INPUT] == 1
    with pytest.raises(TypeError):
        usage.quantities[Unit.INPUT] = 2  # type: ignore[index]


def test_attribution_keeps_what_it_says_and_takes_the_rest() -> None:
    inner = Attribution(feature="search", tags=MappingProxyType({"plan": "pro"}))
    outer = Attribution(feature="home", team="docs", tags=MappingProxyType({"plan": "free", "region": "eu"}))
    merged = inner.or_else(outer)
    assert merged == Attribution(feature="search", team="docs", tags={"plan": "pro", "region": "eu"})
    assert merged.or_else(Attribution()) == merged
    assert Attribution().or_else(merged) == merged
    assert hash(merged) == hash(Attribution(feature="search", team="docs", tags={"region": "eu", "plan": "pro"}))
