"""What is kept of a record holds nothing that was said in it, and reads as the record did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from dialect_samples import SAMPLES

from costspan.core.record import LogRecord, SpanRecord
from costspan.semconv.content import event_without_content, kept, without_content
from costspan.semconv.events import read_event
from costspan.semconv.normalize import read_call, read_link, span_markers
from costspan.semconv.tools import read_tool_use
from costspan.server.pipeline import decode_json, decode_protobuf
from costspan.server.pipeline.decode_logs import LOG_DECODERS
from costspan.server.pipeline.signals import JSON, PROTOBUF

CASES = Path(__file__).parents[3] / "corpus" / "cases"


def corpus(signal: str) -> list[Path]:
    return sorted(CASES.glob(f"*/*-{signal}.*"))


def place(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def records_of(path: Path) -> list[SpanRecord] | list[LogRecord]:
    is_json = path.suffix == ".json"
    if "-logs" in path.name:
        return LOG_DECODERS[JSON if is_json else PROTOBUF](path.read_bytes()).records
    decoder = decode_json if is_json else decode_protobuf
    return decoder.decode_traces(path.read_bytes(), span_markers()).records


@pytest.mark.parametrize("name", SAMPLES)
def test_every_dialect_is_read_the_same_without_content(name: str) -> None:
    record = SAMPLES[name]
    assert read_call(without_content(record)) == read_call(record)


@pytest.mark.parametrize("path", corpus("traces"), ids=place)
def test_every_recorded_span_is_read_the_same_without_content(path: Path) -> None:
    for record in records_of(path):
        stripped = without_content(record)
        assert read_call(stripped) == read_call(record)
        assert read_tool_use(stripped) == read_tool_use(record)
        if read_call(record) is None:
            assert read_link(stripped) == read_link(record)


@pytest.mark.parametrize("path", corpus("logs"), ids=place)
def test_every_recorded_event_is_read_the_same_without_content_but_for_its_identity(path: Path) -> None:
    for record in records_of(path):
        call, again = read_event(record), read_event(event_without_content(record))
        assert (call is None) == (again is None)
        if call is not None and again is not None:
            assert replace(again, event_key=call.event_key) == call


SAID = {
    "gen_ai.prompt.0.content": "Hello",
    "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Hello there"}]}]',
    "input.value": '{"messages":[{"role":"user","content":"Hello"}]}',
    "output.value": '{"choices":[{"message":{"content":"Hello there"}}],"usage":{"prompt_tokens":12}}',
    "llm.input_messages.0.message.content": "Hello",
    "ai.prompt.messages": "[{'role': 'user', 'content': 'Hello'}]",
    "gen_ai.tool.call.arguments": '{"city":"Hello there"}',
    "exception.message": "Hello there",
    "acme.userQuestion": "Hello",
    "acme.anything": "Hello there, Ada",
    "acme.nested": {"text": "Hello", "list": ["Hello there", {"answer": "Hello"}]},
    "acme.bytes": b"Hello",
    "acme.truncated": '{"content": "Hello',
}
NAMED = {
    "gen_ai.request.model": "gpt-5.4",
    "gen_ai.agent.name": "Trip planner of Ada",
    "feature": "Document summary",
    "acme.engine": "gpt-5.4",
    "acme.tokens.in": 12,
    "acme.ratio": 0.5,
    "acme.stream": True,
    "acme.reasons": ["stop"],
}


def test_nothing_that_was_said_is_kept_whatever_its_key_or_shape() -> None:
    found = kept(SAID)
    assert "Hello" not in repr(found)
    assert set(found) == set(SAID)
    assert json.loads(found["output.value"])["usage"] == {"prompt_tokens": 12}


def test_names_and_numbers_are_kept() -> None:
    assert kept(NAMED) == NAMED


@pytest.mark.parametrize("path", corpus("traces"), ids=place)
def test_of_recorded_spans_only_names_have_more_than_a_word(path: Path) -> None:
    for record in records_of(path):
        stripped = without_content(record)
        for attributes in (stripped.attributes, *(event.attributes for event in stripped.events)):
            long = {key for key, value in attributes.items() if isinstance(value, str) and len(value.split()) > 3}
            assert not long
