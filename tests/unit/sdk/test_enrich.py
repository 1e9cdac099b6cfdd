"""Spans leave with their cost, and are otherwise what they were."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, Status, StatusCode

from costspan.sdk.enrich import CostExporter
from costspan.sdk.price_span import SpanPricer

from .conftest import GPT_5, Application


def test_a_model_call_leaves_with_its_cost_and_the_rate_behind_it(application: Application) -> None:
    said = application.call()
    assert said["gen_ai.usage.cost_usd"] == 0.001525
    assert said["gen_ai.usage.cost.amount"] == 0.001525
    assert said["gen_ai.usage.cost.currency"] == "USD"
    assert said["gen_ai.usage.cost.source"] == "local"
    assert said["costspan.price_status"] == "priced"
    assert "gpt-5" in said["costspan.rate_id"]


def test_what_the_instrumentation_said_is_kept_as_it_was(application: Application) -> None:
    assert application.call().items() >= GPT_5.items()


def test_a_model_nobody_lists_has_no_cost_instead_of_a_cost_of_nothing(application: Application) -> None:
    said = application.call(gen_ai__request__model="in-house-7", gen_ai__response__model="in-house-7")
    assert said["costspan.price_status"] == "unpriced"
    assert not [key for key in said if ".cost" in key]


def test_a_call_whose_usage_is_not_known_has_no_cost(application: Application) -> None:
    said = application.call(
        gen_ai__usage__input_tokens=None,
        gen_ai__usage__output_tokens=None,
        gen_ai__usage__cache_read__input_tokens=None,
    )
    assert said["gen_ai.request.model"] == "gpt-5"
    assert said["costspan.price_status"] == "usage_missing"
    assert "gen_ai.usage.cost_usd" not in said


@pytest.mark.parametrize(
    ("sent", "normalised"), [("openai.RateLimitError", "rate_limit"), ("504", "timeout"), (None, None)]
)
def test_a_failure_says_its_kind_in_the_words_of_the_ledger_beside_its_own(
    application: Application, sent: str | None, normalised: str | None
) -> None:
    said = application.call(error__type=sent)
    assert (said.get("error.type"), said.get("costspan.error_type")) == (sent, normalised)


def test_an_agent_span_that_sums_up_its_calls_is_not_priced_again(application: Application) -> None:
    said = application.call(gen_ai__operation__name="invoke_agent")
    assert "gen_ai.usage.cost_usd" not in said


def test_a_span_that_is_no_model_call_goes_on_as_the_very_same_span(application: Application) -> None:
    application.tracer.start_span("GET /", attributes={"http.request.method": "GET"}).end()
    assert dict(application.last.attributes or {}) == {
        "http.request.method": "GET",
        "deployment.environment.name": "prod",
    }


def test_a_cost_the_emitter_reports_is_not_overwritten(application: Application) -> None:
    said = application.call(gen_ai__usage__cost__amount=0.5, gen_ai__usage__cost__currency="EUR")
    assert (said["gen_ai.usage.cost.amount"], said["gen_ai.usage.cost.currency"]) == (0.5, "EUR")
    assert said["gen_ai.usage.cost_usd"] == 0.001525


def test_links_events_status_scope_and_dropped_counts_survive_the_copy() -> None:
    arrived = InMemorySpanExporter()
    limits = SpanLimits(max_span_attributes=8, max_events=1, max_links=1)
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CostExporter(arrived)))
    tracer = provider.get_tracer("opentelemetry.instrumentation.genai.openai", "1.3b0", "https://schema")
    elsewhere = tracer.start_span("elsewhere")
    with tracer.start_as_current_span("parent") as parent:
        span = tracer.start_span(
            "chat", links=[Link(elsewhere.get_span_context())] * 3, start_time=1_790_000_000 * 10**9
        )
        span.set_attributes({"a": 1, "b": 2, **GPT_5})
        for name in ("first", "second", "third"):
            span.add_event(name, {"n": 1})
        span.set_status(Status(StatusCode.ERROR, "cut off"))
        span.end(end_time=1_790_000_001 * 10**9)
    copy = next(each for each in arrived.get_finished_spans() if each.name == "chat")
    assert (copy.attributes or {})["costspan.price_status"] == "priced"
    assert copy.get_span_context() == span.get_span_context()
    assert copy.parent == parent.get_span_context()
    assert (copy.dropped_attributes, copy.dropped_events, copy.dropped_links) == (1, 2, 2)
    assert [event.name for event in copy.events] == ["third"]
    assert len(copy.links) == 1
    assert (copy.status.status_code, copy.status.description) == (StatusCode.ERROR, "cut off")
    assert copy.instrumentation_scope is not None
    assert (copy.instrumentation_scope.version, copy.instrumentation_scope.schema_url) == ("1.3b0", "https://schema")
    assert copy.resource.attributes["service.name"] == "shop"
    assert (copy.start_time, copy.end_time) == (1_790_000_000 * 10**9, 1_790_000_001 * 10**9)


def test_a_fault_in_pricing_lets_the_span_through_unchanged() -> None:
    def faulty(_call: object) -> None:
        raise KeyError("price list is damaged")

    arrived = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CostExporter(arrived, SpanPricer(faulty))))  # type: ignore[arg-type]
    provider.get_tracer("app").start_span("chat", attributes=GPT_5).end()
    (span,) = arrived.get_finished_spans()
    assert dict(span.attributes or {}) == GPT_5


class Refusing(SpanExporter):
    """An exporter whose backend takes nothing."""

    def export(self, spans: object) -> SpanExportResult:  # noqa: ARG002
        return SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        return False


def test_the_answer_of_the_exporter_behind_is_passed_on() -> None:
    exporter = CostExporter(Refusing())
    assert exporter.export([ReadableSpan("chat")]) is SpanExportResult.FAILURE
    assert exporter.force_flush(10) is False


@pytest.mark.parametrize("nested", [1, 2])
def test_enriching_twice_says_it_once(nested: int) -> None:
    arrived = InMemorySpanExporter()
    exporter: SpanExporter = arrived
    for _ in range(nested):
        exporter = CostExporter(exporter)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("app").start_span("chat", attributes=GPT_5).end()
    (span,) = arrived.get_finished_spans()
    assert (span.attributes or {})["gen_ai.usage.cost_usd"] == 0.001525


@pytest.mark.parametrize(
    ("reason", "outcome"), [("stop", "completed"), ("max_tokens", "truncated"), ("SAFETY", "content_filter")]
)
def test_a_call_says_how_it_ended_in_one_word_whoever_answered(
    application: Application, reason: str, outcome: str
) -> None:
    said = application.call(gen_ai__response__finish_reasons=(reason,))
    assert (said["costspan.outcome"], application.last.status.status_code) == (outcome, StatusCode.UNSET)


def test_outcomes_that_are_to_be_errors_are_and_others_are_not() -> None:
    arrived = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CostExporter(arrived, error_outcomes=frozenset({"truncated"}))))
    for reason in ("length", "content_filter"):
        attributes = {**GPT_5, "gen_ai.response.finish_reasons": (reason,)}
        provider.get_tracer("app").start_span("chat", attributes=attributes).end()
    truncated, filtered = arrived.get_finished_spans()
    assert (truncated.status.status_code, truncated.status.description) == (StatusCode.ERROR, "truncated")
    assert filtered.status.status_code is StatusCode.UNSET


def test_a_streamed_call_says_how_fast_it_was_written(application: Application) -> None:
    attributes = {**GPT_5, "gen_ai.response.time_to_first_chunk": 0.5}
    application.tracer.start_span("chat", attributes=attributes, start_time=10**18).end(end_time=10**18 + 2_500_000_000)
    # 50 tokens in the two seconds after the first half
    assert (application.last.attributes or {})["costspan.output_tokens_per_second"] == 25.0
    assert "costspan.output_tokens_per_second" not in application.call()
