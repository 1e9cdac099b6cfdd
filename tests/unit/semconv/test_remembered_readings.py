"""A reading that is remembered answers as one that is made anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.core.record import Scope, SpanRecord
from costspan.semconv.normalize import read_call
from costspan.semconv.remembered import MAX_CHARS, MAX_READINGS, Readings

SPAN = SpanRecord(
    trace_id="0" * 31 + "1", span_id="0" * 15 + "1", parent_span_id=None, name="", kind=3, start_ns=1, end_ns=2,
    attributes={},
)  # fmt: skip


def span(name: str = "chat", scope: str = "", **attributes: Any) -> SpanRecord:
    return replace(SPAN, name=name, scope=Scope(scope), attributes=attributes)


def outline(record: SpanRecord) -> object:
    """Read some attributes only where others lead there, as dialects do."""
    said = record.attributes
    if said.get("kind") == "other":
        return record.name, "mark" in said
    if "only" in said:
        return said["only"] is True, record.scope.name
    return [key for key in said if key.startswith("k")], said.get("value")


values = st.sampled_from([None, True, False, 0, 1, 1.0, "", "other", "1", ("other",), ("1", "2"), ["1"], {"a": 1}])
spans = st.builds(
    lambda name, scope, said: span(name, scope, **said),
    st.sampled_from(["chat", "run"]),
    st.sampled_from(["a", "b"]),
    st.dictionaries(st.sampled_from(["kind", "mark", "only", "value", "key"]), values),
)


@given(st.lists(spans, max_size=40))
def test_every_span_is_read_as_if_it_were_the_first(records: list[SpanRecord]) -> None:
    readings = Readings[object]()
    assert [repr(readings.of(record, outline)) for record in records] == [repr(outline(record)) for record in records]


def test_a_reading_of_more_than_words_is_made_each_time() -> None:
    readings = Readings[int]()
    starts = [readings.of(replace(SPAN, start_ns=start_ns), lambda record: record.start_ns) for start_ns in (5, 6)]
    assert starts == [5, 6]


@pytest.mark.parametrize("texts", [[str(number) for number in range(MAX_READINGS + 10)], ["x" * (MAX_CHARS + 1)] * 2])
def test_memory_is_bounded(texts: list[str]) -> None:
    readings, read = Readings[object](), []

    def value(record: SpanRecord) -> object:
        read.append(record)
        return record.attributes["value"]

    assert [readings.of(span(value=text), value) for text in texts] == texts
    assert len(read) == len(texts)


def test_a_flag_is_told_from_the_number_that_equals_it() -> None:
    def call(stream: object) -> object:
        said = {"gen_ai.operation.name": "chat", "gen_ai.request.stream": stream}
        return read_call(replace(SPAN, attributes=said))

    streamed = [getattr(call(stream), "streamed", None) for stream in (True, 1, True, "true", 1.0)]
    assert streamed == [True, False, True, True, False]
