"""What runs as a span starts and ends: nothing that fails there reaches the application or the next step."""

from __future__ import annotations

from opentelemetry.context import Context, attach, detach, set_value
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from costspan.sdk.span_steps import SpanSteps


class Failing(SpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        raise ValueError(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        raise ValueError(span)


class Listening(SpanProcessor):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.heard.append((span.name, (parent_context or {}).get("where")))

    def on_end(self, span: ReadableSpan) -> None:
        self.heard.append(span.name)


def test_a_step_that_fails_keeps_neither_the_span_nor_the_next_step() -> None:
    listening, provider = Listening(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpanSteps(Failing(), listening))
    token = attach(set_value("where", "here"))
    provider.get_tracer("app").start_span("chat").end()
    detach(token)
    provider.get_tracer("app").start_span("embed", set_value("where", "there", Context())).end()
    assert listening.heard == [("chat", "here"), "chat", ("embed", "there"), "embed"]
