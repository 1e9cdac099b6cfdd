"""The demo's month: the same every time, plausible, with its stories in it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from costspan.core.call import Call
from costspan.core.clock import ns_from_utc
from costspan.core.record import SpanRecord
from costspan.semconv.normalize import read_call
from costspan.testing.demo_traffic import DemoTraffic, price_overlay

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture(scope="module")
def spans() -> list[SpanRecord]:
    return list(DemoTraffic(now=NOW, calls_per_day=600).spans(NOW - MONTH, NOW))


@pytest.fixture(scope="module")
def calls(spans) -> list[Call]:
    return [call for span in spans if (call := read_call(span))]


def between(calls: list[Call], since: datetime, until: datetime) -> list[Call]:
    return [call for call in calls if ns_from_utc(since) <= call.started_at_ns < ns_from_utc(until)]


def test_the_same_moment_gives_the_same_month(spans) -> None:
    assert list(DemoTraffic(now=NOW, calls_per_day=600).spans(NOW - MONTH, NOW)) == spans


def test_the_volume_is_as_asked_with_a_fifth_of_other_spans(spans, calls) -> None:
    told_by_clients = [call for call in calls if call.scope_name != "pydantic-ai"]
    tools = [span for span in spans if span.name.startswith("execute_tool ")]

    assert 600 * 30 * 0.9 < len(told_by_clients) < 600 * 30 * 1.15
    assert 0.15 < (len(spans) - len(calls) - len(tools)) / len(told_by_clients) < 0.25
    assert {span.attributes["gen_ai.tool.name"] for span in tools} == {"search_documents", "read_page", "run_query"}


def test_no_span_lies_outside_the_asked_time_and_ids_are_unique(spans) -> None:
    assert all(ns_from_utc(NOW - MONTH) <= span.start_ns <= span.end_ns < ns_from_utc(NOW) for span in spans)
    assert len({span.span_id for span in spans}) == len(spans)


def test_features_teams_environments_and_users_are_many(calls) -> None:
    who = [call.attribution for call in calls]
    assert {person.team for person in who} == {"support", "search", "docs", "platform", "payments", "growth"}
    assert len({person.feature for person in who}) == 9
    assert {person.environment for person in who} == {"production", "staging", "development"}
    assert 250 < len({person.user_id for person in who}) <= 300


def test_weekends_are_quiet(calls) -> None:
    friday = datetime(2026, 11, 13, tzinfo=UTC)
    day = timedelta(days=1)

    assert len(between(calls, friday + day, friday + 2 * day)) < len(between(calls, friday, friday + day)) / 2


def test_for_two_hours_one_feature_is_refused_and_tries_again(calls) -> None:
    storm = datetime(2026, 11, 15, 14, tzinfo=UTC)
    refused = Counter(
        call.attribution.feature
        for call in between(calls, storm, storm + timedelta(hours=2))
        if call.error_type == "rate_limit"
    )
    traces = Counter(call.trace_id for call in between(calls, storm, storm + timedelta(hours=2)))

    assert refused["code_review"] > 20
    assert max(traces.values()) == 5


def test_a_model_without_price_takes_over_the_assistant(calls) -> None:
    since = datetime(2026, 11, 11, tzinfo=UTC)
    after = [call for call in between(calls, since, NOW) if call.attribution.feature == "internal_assistant"]

    assert {call.requested_model for call in after} == {"acme-internal-70b"}
    assert not [call for call in between(calls, NOW - MONTH, since) if call.requested_model == "acme-internal-70b"]


def test_prompts_of_the_runaway_feature_triple_in_the_last_two_days(calls) -> None:
    def mean_context(since: datetime, until: datetime) -> float:
        used = [
            call.usage.context_tokens
            for call in between(calls, since, until)
            if call.attribution.feature == "document_summary" and not call.failed
        ]
        return sum(used) / len(used)

    two_days_ago = datetime(2026, 11, 18, 15, tzinfo=UTC)
    assert 2.5 < mean_context(two_days_ago, NOW) / mean_context(NOW - MONTH, two_days_ago) < 3.5


def test_one_service_speaks_several_dialects(calls) -> None:
    dialects = {call.scope_name for call in calls if call.attribution.service == "support-bot"}

    assert dialects == {
        "opentelemetry.instrumentation.genai.openai",
        "openinference.instrumentation.openai",
        "opentelemetry.instrumentation.openai.v1",
    }


def test_the_agents_calls_are_told_by_its_client_by_its_framework_and_in_its_run(calls) -> None:
    told = [call for call in calls if call.attribution.service == "research" and call.usage]
    by_client = {call.response_id for call in told if call.scope_name == "opentelemetry.instrumentation.genai.openai"}
    by_framework = [call for call in told if call.scope_name == "pydantic-ai"]
    requests = {call.response_id for call in by_framework if call.span_class == "inference"}
    runs = [call for call in by_framework if call.span_class == "aggregate"]

    assert len(by_client) > 1_000
    # At the very end a run may end after the asked time, its call before.
    assert requests <= by_client
    assert len(by_client) - 5 <= len(requests)
    assert len(by_client) - 5 <= len(runs) <= len(by_client)


def test_some_calls_fail_are_cut_off_filtered_silent_or_tiered(calls) -> None:
    assert {call.error_type for call in calls} >= {"rate_limit", "timeout", "server"}
    assert {call.finish_reason for call in calls} >= {"stop", "length", "content_filter"}
    assert {call.mode for call in calls} >= {"standard", "flex", "priority"}
    assert any(call.usage_state == "usage_missing" for call in calls)


def test_the_price_of_a_model_changes_twelve_days_ago() -> None:
    assert '{provider: openai, model: gpt-5.4, from: 2026-11-08, input: "2.00"' in price_overlay(NOW)
