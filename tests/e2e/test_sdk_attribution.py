"""Whom calls are for, across threads and services, and what of it leaves the process: to whom, and to whom not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdk_program import OPENAI, environment, run_program

from costspan.testing.stub_provider import StubProvider

WHO = """
from opentelemetry import baggage, trace
from opentelemetry.context import attach
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
configured = costspan.configure(exporter=exporter)
attach(baggage.set_baggage("account", "own-of-the-application"))
who = costspan.attribute(feature="search", team="core", user_id="ada@example.com", session="s-1", plan="pro")
def spans():
    configured.flush()
    return exporter.get_finished_spans()
def sent_to_another_service():
    headers = {}
    with who, trace.get_tracer("app").start_as_current_span("GET", kind=trace.SpanKind.CLIENT):
        inject(headers)
    return headers.get("baggage", "").split(",")
"""
INSTRUMENTED_HTTP = """
def as_instrumentations_do(request):
    with trace.get_tracer("http").start_as_current_span("POST", kind=trace.SpanKind.CLIENT):
        inject(request.headers)
client = openai.OpenAI(base_url=os.environ["STUB_URL"], api_key="test",
                       http_client=openai.DefaultHttpxClient(event_hooks={"request": [as_instrumentations_do]}))
"""
PRIVATE = ("ada@example.com", "u_", "search", "core", "s-1", "pro", "own-of-the-application", "baggage")


@pytest.fixture
def provider() -> Iterator[StubProvider]:
    with StubProvider() as listening:
        yield listening


@pytest.fixture
def variables(tmp_path: Path, provider: StubProvider) -> dict[str, str]:
    return environment(tmp_path, STUB_URL=provider.base_url)


def headers_of(provider: StubProvider) -> dict[str, str]:
    (request,) = provider.requests
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("sampler", ["parentbased_always_on", "parentbased_always_off"])
def test_a_model_provider_gets_the_trace_s_ids_and_nobody_s_baggage(
    variables: dict[str, str], provider: StubProvider, sampler: str
) -> None:
    code = OPENAI + WHO + INSTRUMENTED_HTTP + "with who: chat()"
    run_program(code, variables | {"OTEL_TRACES_SAMPLER": sampler})
    headers = headers_of(provider)
    assert headers["traceparent"]
    sent = json.dumps({name: value for name, value in headers.items() if name != "user-agent"})
    assert [word for word in PRIVATE if word in sent] == []


def test_the_anthropic_client_which_sends_the_context_itself_sends_no_baggage(
    variables: dict[str, str], provider: StubProvider
) -> None:
    code = (
        OPENAI
        + WHO
        + """
import anthropic
with who:
    try:
        anthropic.Anthropic(base_url=os.environ["STUB_URL"], api_key="test", max_retries=0).messages.create(
            model="claude-sonnet-4-5", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
    except anthropic.APIError:
        pass
"""
    )
    run_program(code, variables | {"ANTHROPIC_OPEN_TELEMETRY": "true"})
    headers = headers_of(provider)
    assert headers["traceparent"]
    assert "baggage" not in headers


@pytest.mark.parametrize(
    ("allowed", "sent"),
    [
        (None, {"account=own-of-the-application", "feature=search", "team=core"}),
        ("none", {"account=own-of-the-application"}),
        ("team,session", {"account=own-of-the-application", "team=core", "session.id=s-1"}),
    ],
)
def test_other_services_get_what_the_list_allows(
    variables: dict[str, str], allowed: str | None, sent: set[str]
) -> None:
    told = {"COSTSPAN_BAGGAGE": allowed} if allowed else {}
    code = OPENAI + WHO + "import json\nprint(json.dumps(sent_to_another_service()))"
    assert set(json.loads(run_program(code, variables | told).stdout)) == sent


def test_a_user_travels_as_a_pseudonym_and_is_the_same_user_there(variables: dict[str, str]) -> None:
    code = (
        OPENAI
        + WHO
        + """
baggage_header = ",".join(sent_to_another_service())
assert "ada" not in baggage_header
with who:
    chat()
attach(extract({"baggage": baggage_header}))
chat()
here, there = [span.attributes["user_id"] for span in spans() if span.name == "chat gpt-5"]
assert here == there, (here, there)
assert here.startswith("u_") and f"user_id={here}" in baggage_header
"""
    )
    run_program(code, variables | {"COSTSPAN_BAGGAGE": "feature,user_id"})


POOLS = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool, costspan.attribute(feature="batch"):
    list(pool.map(lambda model: chat(model), ["gpt-5", "gpt-5"]))
print(json.dumps([span.attributes.get("feature") for span in spans()]))
"""


@pytest.mark.parametrize(("told", "features"), [({}, ["batch"] * 2), ({"COSTSPAN_CARRY_INTO_POOLS": "0"}, [None] * 2)])
def test_calls_made_in_a_thread_pool_are_for_whom_they_were_submitted_for_unless_switched_off(
    variables: dict[str, str], told: dict[str, str], features: list[str | None]
) -> None:
    done = run_program("import json" + OPENAI + WHO + POOLS, variables | told)
    assert json.loads(done.stdout) == features
