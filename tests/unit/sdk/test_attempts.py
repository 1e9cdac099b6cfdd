"""A program's own retries are numbered; other calls near them are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from costspan.sdk.attempts import AttemptCounter

S = 1_000_000_000


class Program:
    """Makes model calls at moments of its choosing and remembers the attempt each was numbered with."""

    def __init__(self) -> None:
        self.sent = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(AttemptCounter())
        self.provider.add_span_processor(SimpleSpanProcessor(self.sent))
        self.tracer: Tracer = self.provider.get_tracer("app")  # type: ignore[assignment]

    def begin(self, model: str = "gpt-5", at_s: int = 0) -> Any:
        said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
        return self.tracer.start_span("chat", attributes=said, start_time=(1_790_000_000 + at_s) * S)

    def end(self, span: Any, *, fails: bool = False, at_s: int = 0) -> None:
        if fails:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=(1_790_000_000 + at_s) * S)

    def call(self, model: str = "gpt-5", *, fails: bool = False, at_s: int = 0) -> None:
        self.end(self.begin(model, at_s), fails=fails, at_s=at_s)

    @property
    def attempts(self) -> list[Any]:
        spans = [span for span in self.sent.get_finished_spans() if span.name == "chat"]
        return [(span.attributes or {}).get("costspan.attempt") for span in spans]


@pytest.fixture
def program() -> Iterator[Program]:
    making = Program()
    yield making
    making.provider.shutdown()


def test_calls_that_follow_a_failed_one_are_numbered_until_one_succeeds(program: Program) -> None:
    with program.tracer.start_as_current_span("request"):
        for fails in (True, True, False, False):
            program.call(fails=fails)
    assert program.attempts == [None, 2, 3, None]


def test_another_model_another_request_and_another_hour_are_no_retries(program: Program) -> None:
    with program.tracer.start_as_current_span("request"):
        program.call(fails=True)
        program.call("gpt-5-mini")
    with program.tracer.start_as_current_span("request"):
        program.call()
        program.call(fails=True)
        program.call(at_s=3600)
    assert program.attempts == [None] * 5


def test_calls_side_by_side_are_no_retries_of_one_another(program: Program) -> None:
    with program.tracer.start_as_current_span("request"):
        first, second = program.begin(), program.begin()
        program.end(first, fails=True)
        program.end(second)
        program.call()
    assert program.attempts == [None, None, 2]


def test_without_a_span_around_them_nothing_says_that_calls_belong_together(program: Program) -> None:
    program.call(fails=True)
    program.call()
    assert program.attempts == [None, None]


def test_a_span_that_is_no_model_call_is_never_an_attempt(program: Program) -> None:
    with program.tracer.start_as_current_span("request"):
        for _ in range(2):
            span = program.tracer.start_span("chat", attributes={"http.request.method": "POST"})
            program.end(span, fails=True)
    assert program.attempts == [None, None]
