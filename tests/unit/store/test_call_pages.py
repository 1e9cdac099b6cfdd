"""Pages of calls: in order, each row once, whatever is posted between two pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ledgers import MODEL, ask_calls, post_spans

from costspan.core.clock import NS_PER_S
from costspan.core.errors import UsageError
from costspan.core.record import SpanRecord
from costspan.testing.doubled_trace import AGENT, INNER, OUTER, SECOND, doubled_trace
from costspan.testing.spans import otel_genai, sample_call
from costspan.testing.spans.call import NOVEMBER_2026_NS


def span(number: int, **said: Any) -> SpanRecord:
    """Call `number`, which starts in second `number // 2`, so that two always start together."""
    defaults: dict[str, Any] = {
        "trace_id": f"{number + 1:032x}",
        "span_id": f"{number + 1:016x}",
        "response_id": f"r{number}",
        "requested_model": MODEL,
        "started_at_ns": NOVEMBER_2026_NS + number // 2 * NS_PER_S,
        "input": 1_000 * (number % 3 + 1),
    }
    return otel_genai(sample_call(**(defaults | said)))


def pages(store, between=lambda: None, **asked: str) -> list[list[str]]:
    """Return the span ids of all pages; `between` is done after each."""
    found, cursor = [], {}
    while True:
        document = ask_calls(store, **asked, **cursor)
        found.append([row["span_id"] for row in document["rows"]])
        if document["next_cursor"] is None:
            return found
        cursor = {"cursor": document["next_cursor"]}
        between()


def test_the_latest_come_first(store) -> None:
    post_spans(store, *(span(number) for number in range(7)))

    found = pages(store, limit="3")

    assert [len(page) for page in found] == [3, 3, 1]
    starts = [(int(span_id, 16) - 1) // 2 for page in found for span_id in page]
    assert starts == [3, 2, 2, 1, 1, 0, 0]


def test_the_dearest_come_first_and_calls_without_a_cost_last(store) -> None:
    post_spans(store, *(span(number) for number in range(4)), span(4, requested_model="nobody-lists-this"))

    rows = ask_calls(store, order="cost")["rows"]

    assert [row["cost_usd"] for row in rows] == ["0.0075", "0.005", "0.0025", "0.0025", None]


@pytest.mark.parametrize("order", ["time", "cost"])
@pytest.mark.parametrize("limit", ["1", "2", "5"])
def test_no_row_comes_twice_or_is_lost_while_new_ones_are_posted(store, order, limit) -> None:
    post_spans(store, *(span(number) for number in range(9)))
    expected = sorted(f"{number + 1:016x}" for number in range(9))
    posted = iter(range(100, 200))

    def more() -> None:
        number = next(posted)
        post_spans(store, span(number, started_at_ns=NOVEMBER_2026_NS + number % 5 * NS_PER_S))

    found = pages(store, more, limit=limit, order=order)

    assert sorted(span_id for page in found for span_id in page) == expected


def test_a_correction_between_two_pages_moves_no_row(store) -> None:
    spans = doubled_trace(model=MODEL)
    post_spans(store, spans[OUTER], spans[SECOND])

    found = pages(store, lambda: post_spans(store, spans[INNER]), limit="1")

    assert found == [[SECOND], [OUTER]]
    assert pages(store) == [[SECOND, INNER]]


def test_only_what_counts_is_listed_unless_another_role_is_asked_for(store) -> None:
    post_spans(store, *doubled_trace(model=MODEL).values())

    assert pages(store) == [[SECOND, INNER]]
    assert pages(store, role="duplicate") == [[OUTER]]
    assert pages(store, role="aggregate") == [[AGENT]]
    assert sorted(*pages(store, role="all")) == [AGENT, OUTER, INNER, SECOND]


def test_filters_and_period_keep_what_a_figure_is_made_of(store) -> None:
    post_spans(store, span(0), span(1, operation="embeddings"), span(2), replace(span(3), resource={}))

    assert pages(store, filter="operation:embeddings") == [[f"{2:016x}"]]
    assert pages(store, filter="service:") == [[f"{4:016x}"]]
    assert pages(store, since="2026-11-01T12:00:01Z", filter="service:!") == [[f"{3:016x}"]]
    assert pages(store, since="2026-12", until="2026-12") == [[]]


def test_a_cursor_keeps_the_period_it_began_with(store) -> None:
    post_spans(store, *(span(number) for number in range(4)))
    first = ask_calls(store, limit="2", since="2026-11-01T12:00:00Z")

    second = ask_calls(store, limit="2", since="2026-11-01T12:00:01Z", cursor=first["next_cursor"])

    assert second["since"] == "2026-11-01T12:00:00Z"
    assert len(second["rows"]) == 2


def test_a_cursor_of_another_question_is_refused(store) -> None:
    post_spans(store, *(span(number) for number in range(4)))
    cursor = ask_calls(store, limit="1")["next_cursor"]

    for other in ({"order": "cost"}, {"role": "all"}, {"filter": "team:search"}):
        with pytest.raises(UsageError, match="the cursor belongs to another question"):
            ask_calls(store, cursor=cursor, **other)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "lqNh", "ä", "gA==", "\0"])
def test_a_damaged_cursor_is_refused(store, cursor) -> None:
    with pytest.raises(UsageError, match="the cursor is damaged"):
        ask_calls(store, cursor=cursor)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"colour": "red"}, "unknown parameter 'colour'; known: since, until, filter, role, order, limit, cursor"),
        ({"role": "boss"}, "unknown role 'boss'; known: owner, duplicate, aggregate, all"),
        ({"order": "size"}, "cannot order by 'size'; known: time, cost"),
        ({"limit": "0"}, "limit '0' is not a whole number from 1 to 1000"),
        ({"limit": "1001"}, "limit '1001' is not a whole number from 1 to 1000"),
        ({"limit": "9" * 5_000}, "is not a whole number from 1 to 1000"),
        ({"filter": "colour:red"}, "unknown key 'colour'; known: model"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_what_is_accepted(store, asked, words) -> None:
    with pytest.raises(UsageError) as refused:
        ask_calls(store, **asked)
    assert words in str(refused.value)


def test_an_empty_ledger_has_no_rows(store) -> None:
    assert pages(store) == [[]]
