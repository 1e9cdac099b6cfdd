"""Pricing by column and call by call are the same to the last pico-dollar, whatever the calls are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from costspan.core.call import Call, Signal, UsageState
from costspan.core.clock import ns_from_utc
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_call
from costspan.pricing.rate_card import RateCard
from costspan.pricing.rate_rows import rate_bands
from costspan.server.pipeline.settlement import post
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch
from costspan.server.store.repricing import Scope

CARD = load_rate_card(
    [
        {"provider": "openai", "model": "gpt-5*", "multiply": "0.9", "from": "2026-03-01"},
        {"provider": "anthropic", "model": "claude-haiku-4-5", "input": "0.000001", "output": "3.3333333"},
        {"provider": "ollama", "model": "*", "free": True},
        {"provider": "azure", "model": "my-deployment", "alias_of": "openai/gpt-5.4", "multiply": "1.1"},
    ]
)
NAMES = some.sampled_from(
    [
        ("openai", "gpt-5.4"),
        ("openai", "gpt-5-mini"),
        ("openai", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-audio-preview"),
        ("azure.ai.openai", "my-deployment"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-haiku-4-5"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("gcp.vertex_ai", "gemini-2.5-pro"),
        ("deepseek", "deepseek-chat"),
        ("deepseek", "deepseek-reasoner"),
        ("perplexity", "sonar-pro"),
        ("ollama", "llama3"),
        ("openai", "nobody-knows"),
        ("nowhere", "gpt-5.4"),
        (None, "gpt-5.4"),
        (None, ""),
    ]
)
QUANTITY = some.one_of(some.just(0), some.integers(1, 300_000))
USAGE = some.dictionaries(some.sampled_from(list(Unit)), QUANTITY, max_size=6).map(Usage)
MOMENT_NS = some.integers(
    ns_from_utc(datetime(2024, 6, 1, tzinfo=UTC)), ns_from_utc(datetime(2026, 11, 20, tzinfo=UTC))
)


@some.composite
def calls(draw: some.DrawFn) -> Call:
    provider, model = draw(NAMES)
    started_at_ns = draw(MOMENT_NS)
    return Call(
        trace_id=f"{draw(some.integers(1, 2**128 - 1)):032x}",
        span_id=f"{draw(some.integers(1, 2**64 - 1)):016x}",
        parent_span_id=None,
        started_at_ns=started_at_ns,
        ended_at_ns=started_at_ns + 1_000_000,
        dialect="test",
        signal=draw(some.sampled_from([Signal.SPAN, Signal.SPAN, Signal.METRIC])),
        provider=provider,
        requested_model=model,
        response_model=draw(some.sampled_from([None, model, "gpt-5.4-2026-03-05", ""])),
        mode=draw(some.sampled_from(["standard", "batch", "flex", "priority", "auto", "unheard-of"])),
        usage=draw(USAGE),
        usage_state=draw(some.sampled_from([*[UsageState.REPORTED] * 4, *UsageState])),
        error_type=draw(some.sampled_from([None, None, None, "rate_limit"])),
        time_to_first_chunk_s=draw(some.sampled_from([None, 0.2, 90_000.0])),
    )


@contextmanager
def ledger(card: RateCard, recorded: list[Call]) -> Iterator[DuckDBRepricing]:
    with tempfile.TemporaryDirectory() as folder:
        store = DuckDBStore(Path(folder))
        post(store, Batch(recorded), card)
        yield DuckDBRepricing(store)
        store.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(some.lists(calls(), min_size=1, max_size=60, unique_by=lambda call: call.trace_id))
def test_a_ledger_priced_call_by_call_agrees_with_the_same_prices_by_column(recorded: list[Call]) -> None:
    with ledger(CARD, recorded) as repricing:
        found = repricing.plan(CARD, Scope())

    assert found.examined == len(recorded)
    assert list(found.entry_ids) == []


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(some.lists(calls(), min_size=1, max_size=60, unique_by=lambda call: call.trace_id))
def test_the_difference_by_column_is_the_difference_call_by_call(recorded: list[Call]) -> None:
    before = load_rate_card()
    with ledger(before, recorded) as repricing:
        found = repricing.plan(CARD, Scope())

    differences = [(price_call(call, CARD).cost or 0) - (price_call(call, before).cost or 0) for call in recorded]
    assert sum(change.difference for change in found.changes) == sum(differences)
    assert len(found.entry_ids) >= sum(difference != 0 for difference in differences)


@pytest.mark.parametrize(("provider", "model"), [("deepseek", "deepseek-chat"), ("anthropic", "claude-sonnet-4-5")])
def test_rates_of_the_models_tried_are_joined_and_not_looked_up_singly(provider: str, model: str) -> None:
    assert rate_bands(CARD, (provider, (model,), "standard")).whole


def test_a_rate_finer_than_a_pico_dollar_takes_the_single_path() -> None:
    assert not rate_bands(CARD, ("anthropic", ("claude-haiku-4-5",), "standard")).whole


def test_the_rows_of_one_model_never_overlap() -> None:
    for names in (("deepseek", ("deepseek-chat",), "standard"), ("google", ("gemini-2.5-pro",), "batch")):
        bands = rate_bands(CARD, names).bands
        places = [(each.start_us, each.week_from, each.over) for each in bands]

        assert bands
        assert len(set(places)) == len(places)


def test_a_call_of_more_than_nine_million_dollars_does_not_stop_the_look() -> None:
    started_at_ns = ns_from_utc(datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=1))
    huge = Call(
        trace_id="a" * 32,
        span_id="b" * 16,
        parent_span_id=None,
        started_at_ns=started_at_ns,
        ended_at_ns=started_at_ns,
        dialect="test",
        provider="openai",
        requested_model="nobody-knows",
        usage=Usage({Unit.INPUT: 2**62}),
    )
    small = Call(
        trace_id="c" * 32,
        span_id="b" * 16,
        parent_span_id=None,
        started_at_ns=started_at_ns,
        ended_at_ns=started_at_ns,
        dialect="test",
        provider="openai",
        requested_model="gpt-5.4",
        usage=Usage({Unit.INPUT: 1_000_000}),
    )
    with ledger(load_rate_card(), [huge, small]) as repricing:
        found = repricing.plan(CARD, Scope())

    assert [(change.model, change.old_cost, change.new_cost) for change in found.changes] == [
        ("gpt-5.4", 5_000_000_000_000, 4_500_000_000_000)
    ]
