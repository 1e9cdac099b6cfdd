"""One trace as the ledger shows it: a tree, each call once, the rest with its reason, and what was corrected."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from ledgers import CARD, FIRST_POSTED_AT, MODEL, ask_trace, post_spans

from costspan.core.call import Signal
from costspan.core.errors import NotFound, UsageError
from costspan.pricing.load import load_rate_card
from costspan.server.analytics.traces import trace_document
from costspan.server.pipeline.settlement import post
from costspan.server.store.entry import Batch
from costspan.testing.doubled_trace import AGENT, INNER, OUTER, SECOND, STEP, TRACE_ID, doubled_trace
from costspan.testing.spans import otel_genai, sample_call

OTHER_TRACE = "5b8e0000000000000000000000000000"
SPANS = doubled_trace(model=MODEL)


def test_a_doubly_instrumented_client_is_counted_once_under_its_agent(store) -> None:
    post_spans(store, *SPANS.values())

    document = ask_trace(store, TRACE_ID)

    assert [(span["span_id"], span["depth"], span["subtree_cost_usd"]) for span in document["spans"]] == [
        (STEP, 0, "0.011"),
        (AGENT, 1, "0.011"),
        (OUTER, 2, "0.0055"),
        (INNER, 3, "0.0055"),
        (SECOND, 2, "0.0055"),
    ]
    calls = {span["span_id"]: span["call"] for span in document["spans"]}
    assert calls[STEP] is None
    assert [(calls[each]["role"], calls[each]["reason"]) for each in (AGENT, OUTER, INNER, SECOND)] == [
        ("aggregate", "sums up the calls below it"),
        ("duplicate", "same response id"),
        ("owner", None),
        ("owner", None),
    ]
    assert calls[OUTER]["owner"] == {"trace_id": TRACE_ID, "span_id": INNER}
    assert document["total"] == {
        "cost_usd": "0.011",
        "not_counted_cost_usd": "0.0165",
        "calls": 2,
        "billed_calls": 2,
        "unpriced_calls": 0,
        "errors": 0,
        "duplicate_calls": 1,
        "aggregate_calls": 1,
    }
    assert document["elsewhere"] == document["history"] == []


def test_a_call_shows_its_charges_and_the_rate_behind_them(store) -> None:
    post_spans(store, *SPANS.values())

    call = next(span["call"] for span in ask_trace(store, TRACE_ID)["spans"] if span["span_id"] == INNER)

    per = 1_000_000
    assert call["charges"] == [
        {
            "unit": "input", "quantity": 1_000, "price_usd": "2.50", "per": per,
            "list_cost_usd": "0.0025", "cost_usd": "0.0025",
        },
        {
            "unit": "output", "quantity": 200, "price_usd": "15.00", "per": per,
            "list_cost_usd": "0.003", "cost_usd": "0.003",
        },
    ]  # fmt: skip
    assert call["rate"] == {
        "rate_id": "openai/test-model/standard/always@organisation",
        "matched_by": "overlay literal test-model",
        "provider": "openai",
        "model": MODEL,
        "mode": "standard",
        "valid_from": None,
        "valid_to": None,
        "source": "quote",
        "checked": "",
        "layer": "organisation",
    }
    assert call["usage"] == {"input": 1_000, "output": 200}
    assert (call["service"], call["feature"], call["duration_ms"]) == ("assistant", "search", 2_000.0)


@pytest.mark.parametrize("order", list(permutations([AGENT, OUTER, INNER]))[1:])
def test_the_order_of_arrival_changes_the_history_only(store, order) -> None:
    for span_id in (*order, STEP, SECOND):
        post_spans(store, SPANS[span_id])

    document = ask_trace(store, TRACE_ID)

    assert [(span["span_id"], span["depth"]) for span in document["spans"]] == [
        (STEP, 0), (AGENT, 1), (OUTER, 2), (INNER, 3), (SECOND, 2),
    ]  # fmt: skip
    assert document["total"]["cost_usd"] == "0.011"
    assert document["total"]["not_counted_cost_usd"] == "0.0165"


def test_the_history_says_what_was_taken_back_when_and_why(store) -> None:
    for span_id in (OUTER, INNER):
        post_spans(store, SPANS[span_id])

    [corrected] = ask_trace(store, TRACE_ID)["history"]

    assert corrected["span_id"] == OUTER
    assert corrected["posted_at"] == FIRST_POSTED_AT
    assert corrected["taken_back_at"] == "2026-11-20T00:00:02Z"
    assert (corrected["role"], corrected["cost_usd"]) == ("owner", "0.0055")
    assert corrected["changed"] == ["role", "reason", "owner"]
    assert corrected["why"] == "owner became duplicate: same response id"


def test_a_record_of_the_same_call_in_another_trace_is_shown_and_not_summed(store) -> None:
    proxied = replace(SPANS[SECOND], trace_id=OTHER_TRACE, parent_span_id=None, span_id="1" * 16)
    post_spans(store, SPANS[SECOND])
    post_spans(store, proxied)

    here, there = ask_trace(store, TRACE_ID), ask_trace(store, OTHER_TRACE)

    owners = [("owner", "duplicate"), ("duplicate", "owner")]
    assert (here["spans"][0]["call"]["role"], here["elsewhere"][0]["role"]) in owners
    assert [call["trace_id"] for call in here["elsewhere"]] == [OTHER_TRACE]
    assert [call["trace_id"] for call in there["elsewhere"]] == [TRACE_ID]
    duplicate = next(call for call in (here["elsewhere"][0], there["elsewhere"][0]) if call["role"] == "duplicate")
    assert {duplicate["trace_id"], duplicate["owner"]["trace_id"]} == {TRACE_ID, OTHER_TRACE}
    assert sorted(str(each["total"]["cost_usd"]) for each in (here, there)) == ["0.0055", "None"]
    assert sorted(str(each["total"]["not_counted_cost_usd"]) for each in (here, there)) == ["0.0055", "None"]


def test_an_event_hangs_in_the_span_it_was_emitted_in(store) -> None:
    span = sample_call(span_id=SECOND, requested_model=MODEL, dialect="otel_genai")
    event = replace(span, event_key="event-1", signal=Signal.DETAILS_EVENT)
    post(store, Batch([span, event]), CARD)

    [above, below] = ask_trace(store, TRACE_ID)["spans"]

    assert [(each["depth"], each["call"]["signal"]) for each in (above, below)] == [(0, "span"), (1, "details_event")]
    assert below["call"]["reason"] == "the span of the same call counts"
    assert (above["subtree_calls"], below["subtree_calls"]) == (1, 0)


def test_a_sampled_call_shows_how_many_it_stands_for(store) -> None:
    post(store, Batch([sample_call(requested_model=MODEL, dialect="otel_genai", trace_state="ot=th:c")]), CARD)

    [span] = ask_trace(store, TRACE_ID)["spans"]

    assert (span["call"]["cost_usd"], span["call"]["estimated_cost_usd"]) == ("0.0055", "0.022")
    assert span["call"]["adjusted_count"] == 4


def test_a_rate_that_the_price_list_has_no_more_keeps_its_name(store) -> None:
    post_spans(store, SPANS[SECOND])

    [span] = trace_document(store, TRACE_ID, load_rate_card())["spans"]

    rate = span["call"]["rate"]
    assert rate["rate_id"] == "openai/test-model/standard/always@organisation"
    assert (rate["matched_by"], rate["source"]) == ("overlay literal test-model", None)


def test_spans_whose_parents_run_in_a_circle_are_all_shown_once(store) -> None:
    for one, other in (("1" * 16, "2" * 16), ("2" * 16, "1" * 16)):
        call = sample_call(span_id=one, parent_span_id=other, response_id=one, requested_model=MODEL)
        post_spans(store, otel_genai(call))

    assert [span["span_id"] for span in ask_trace(store, TRACE_ID)["spans"]] == ["1" * 16, "2" * 16]


def test_the_beginning_of_an_id_finds_the_trace_when_it_is_the_only_one(store) -> None:
    post_spans(store, SPANS[SECOND])
    post_spans(store, replace(SPANS[SECOND], trace_id=OTHER_TRACE, span_id="1" * 16))

    assert ask_trace(store, "5B8EFF")["trace_id"] == TRACE_ID
    assert ask_trace(store, TRACE_ID)["trace_id"] == TRACE_ID
    with pytest.raises(NotFound, match="no trace 5b8f00 is recorded"):
        ask_trace(store, "5b8f00")


@pytest.mark.parametrize("text", ["", "5b8ef", "xyzxyz", "0" * 33, "5b8eff/..", "5b8eff\n0"])
def test_what_is_no_trace_id_is_refused_with_what_is_expected(store, text) -> None:
    with pytest.raises(UsageError, match="is not 32 hexadecimal digits, or at least the first 6"):
        ask_trace(store, text)


def test_the_beginning_of_two_ids_is_refused_with_both(store) -> None:
    for trace_id in ("abcdef" + "0" * 26, "abcdef" + "f" * 26):
        post_spans(store, replace(SPANS[SECOND], trace_id=trace_id))

    with pytest.raises(UsageError, match=f"several traces begin with abcdef: abcdef{'0' * 26}, abcdef{'f' * 26}$"):
        ask_trace(store, "abcdef")
