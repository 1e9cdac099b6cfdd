"""A tracer provider of the test's own, with the processors `configure` installs and spans kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from costspan.core.attribution import Attribution
from costspan.sdk.attribute_processor import AttributionProcessor
from costspan.sdk.calls_within import CallsWithin
from costspan.sdk.enrich import CostExporter
from costspan.sdk.price_span import SpanPricer
from costspan.sdk.span_steps import SpanSteps
from costspan.sdk.user_pseudonym import pseudonymous

GPT_5 = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.response.model": "gpt-5-2025-08-07",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.cache_read.input_tokens": 200,
    "gen_ai.usage.output_tokens": 50,
}
"""800 uncached tokens at $1.25, 200 cached at $0.125 and 50 out at $10 a million: $0.001525."""


@dataclass
class Application:
    """A program that makes model calls, and what left it."""

    arrived: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    provider: TracerProvider = field(
        default_factory=lambda: TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    )

    def __post_init__(self) -> None:
        pricer = SpanPricer()
        who = AttributionProcessor(Attribution(environment="prod"), pseudonymous(lambda: b"key of the test"))
        self.provider.add_span_processor(SpanSteps(who, CallsWithin(pricer)))
        self.provider.add_span_processor(SimpleSpanProcessor(CostExporter(self.arrived, pricer)))
        self.tracer = self.provider.get_tracer("opentelemetry.instrumentation.genai.openai", "1.3b0")

    def call(self, **changed: Any) -> dict[str, Any]:
        """Make one model call and return the attributes its span arrived with."""
        attributes = GPT_5 | {name.replace("__", "."): value for name, value in changed.items()}
        self.tracer.start_span("chat", attributes={k: v for k, v in attributes.items() if v is not None}).end()
        return dict(self.last.attributes or {})

    def track(self, operation: str = "chat", **said: Any) -> costspan.track:
        """Return a tracked call to gpt-5, unless `said` names another model, in this application."""
        named = {"provider": "openai", "model": "gpt-5"} | said
        return costspan.track(operation, **named, tracer_provider=self.provider)

    @property
    def said(self) -> dict[str, Any]:
        """The attributes of the span that arrived last."""
        return dict(self.last.attributes or {})

    @property
    def last(self) -> ReadableSpan:
        return self.arrived.get_finished_spans()[-1]


@pytest.fixture
def application() -> Iterator[Application]:
    program = Application()
    yield program
    program.provider.shutdown()
