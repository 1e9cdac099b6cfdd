"""The real OpenAI client, instrumented by `configure`, against the stub provider; spans received over OTLP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import OPENAI, environment, run_program

from costspan.testing.stub_provider import StubProvider, StubUsage

USAGE = StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50, reasoning_tokens=10)
CONFIGURED = "import costspan; costspan.configure(service_name='shop')\n" + OPENAI


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as listening:
        yield listening


@pytest.fixture
def provider() -> Iterator[StubProvider]:
    with StubProvider(usage=USAGE) as listening:
        yield listening


@pytest.fixture
def variables(tmp_path: Path, receiver: OtlpReceiver, provider: StubProvider) -> dict[str, str]:
    return environment(tmp_path, STUB_URL=provider.base_url, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)


def calls(code: str, variables: dict[str, str], receiver: OtlpReceiver) -> list[dict[str, Any]]:
    run_program(CONFIGURED + code, variables)
    return receiver.calls()


def test_every_kind_of_call_arrives_priced(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    code = """
chat()
for _ in chat(stream=True, stream_options={"include_usage": True}): pass
client.responses.create(model="gpt-5", input="hello")
client.embeddings.create(model="text-embedding-3-small", input="hello")
"""
    plain, streamed, responses, embedding = calls(code, variables, receiver)
    # 800 uncached at $1.25, 200 cached at $0.125, 50 out at $10 a million
    assert [call["gen_ai.usage.cost_usd"] for call in (plain, streamed, responses)] == [0.001525] * 3
    # 1,000 tokens at $0.02 a million
    assert embedding["gen_ai.usage.cost_usd"] == 0.00002
    assert streamed["gen_ai.response.time_to_first_chunk"] > 0
    assert receiver.spans[0].resource["service.name"] == "shop"
    assert len(provider.requests) == 4


def test_a_stream_whose_usage_nobody_may_ask_for_has_no_cost(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    (call,) = calls("for _ in chat(stream=True): pass", variables | {"COSTSPAN_INCLUDE_USAGE": "0"}, receiver)
    assert call["costspan.price_status"] == "usage_missing"
    assert "gen_ai.usage.cost_usd" not in call
    assert "stream_options" not in provider.requests[0].body


def test_asking_for_the_usage_of_a_stream_changes_nothing_the_caller_sees(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    code = """
import asyncio, costspan
def read():
    return [chunk.to_dict() | {"id": None} for chunk in chat(stream=True, n=2)]
async def read_async():
    async with openai.AsyncOpenAI(base_url=os.environ["STUB_URL"], api_key="test") as client:
        stream = await client.chat.completions.create(model="gpt-5", messages=[], stream=True)
        return [chunk.to_dict() | {"id": None} async for chunk in stream]
plain, plain_async = read(), asyncio.run(read_async())
costspan.configure()
assert read() == plain, read()
assert asyncio.run(read_async()) == plain_async
"""
    run_program(OPENAI + code, variables)
    assert [call["gen_ai.usage.cost_usd"] for call in receiver.calls()] == [0.001525] * 2
    asked = [request.body.get("stream_options") for request in provider.requests]
    assert asked == [None, None, {"include_usage": True}, {"include_usage": True}]


def test_an_endpoint_that_refuses_stream_options_is_asked_once_and_the_caller_never_knows(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    provider.refused_parameters = frozenset({"stream_options"})
    code = """
for _ in range(2):
    assert [chunk.choices[0].finish_reason for chunk in chat(stream=True)] == [None, None, "stop"]
try:
    chat(stream=True, stream_options={"include_usage": True})
except openai.BadRequestError:
    pass
else:
    raise SystemExit("the caller's own request was changed")
"""
    first, second, own = calls(code, variables, receiver)
    assert [request.status for request in provider.requests] == [400, 200, 200, 400]
    for call in (first, second):
        assert call["costspan.price_status"] == "usage_missing"
        assert call["costspan.usage.lower_bound.output_tokens"] == 1
        assert "error.type" not in call
    assert own["error.type"] == "openai.BadRequestError"


def test_a_raw_streamed_response_is_what_the_provider_sent(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    code = """
with client.chat.completions.with_streaming_response.create(model="gpt-5", messages=[], stream=True) as response:
    assert not any('"usage"' in line for line in response.iter_lines())
"""
    calls(code, variables, receiver)
    assert "stream_options" not in provider.requests[0].body


def test_outcomes_count_as_errors_where_that_is_asked_for(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    provider.finish_reason = "length"
    calls("chat()", variables, receiver)
    calls("chat()", variables | {"COSTSPAN_ERROR_OUTCOMES": "truncated, content_filter"}, receiver)
    provider.finish_reason = "stop"
    calls("chat()", variables | {"COSTSPAN_ERROR_OUTCOMES": "truncated, content_filter"}, receiver)
    said = [(span.status, span.attributes["costspan.outcome"]) for span in receiver.spans]
    assert said == [("UNSET", "truncated"), ("ERROR", "truncated"), ("UNSET", "completed")]


def test_a_call_that_is_retried_after_429_is_one_call_with_one_cost(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    provider.rate_limited = 2
    (call,) = calls("chat()", variables, receiver)
    assert [request.status for request in provider.requests] == [429, 429, 200]
    assert call["costspan.attempt"] == 3
    assert call["gen_ai.usage.cost_usd"] == 0.001525


def test_a_provider_s_error_reaches_the_program_and_costs_nothing(
    variables: dict[str, str], receiver: OtlpReceiver, provider: StubProvider
) -> None:
    provider.rate_limited = 100
    code = """
try:
    client.with_options(max_retries=0).chat.completions.create(model="gpt-5", messages=[])
except openai.RateLimitError as error:
    assert error.status_code == 429
else:
    raise SystemExit("the error was swallowed")
"""
    (call,) = calls(code, variables, receiver)
    assert call["error.type"] == "openai.RateLimitError"
    assert "gen_ai.usage.cost_usd" not in call


def test_prompts_answers_and_user_ids_stay_in_the_program(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    calls("with costspan.attribute(user_id='ada@example.com', feature='search'): chat()", variables, receiver)
    everything = repr(receiver.spans)
    assert receiver.calls()[0]["feature"] == "search"
    assert receiver.calls()[0]["user_id"].startswith("u_")
    for private in ("secret words", "Hello.", "ada@example.com"):
        assert private not in everything


def test_user_ids_are_sent_as_they_are_only_where_that_is_asked_for(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    code = "with costspan.attribute(user_id='ada@example.com'): chat()"
    (call,) = calls(code, variables | {"COSTSPAN_HASH_USERS": "0"}, receiver)
    assert call["user_id"] == "ada@example.com"


def test_async_calls_side_by_side_keep_their_own_feature(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    code = """
import asyncio
async def ask(client, feature):
    with costspan.attribute(feature=feature):
        await client.chat.completions.create(model="gpt-5", messages=[], user=feature)
async def main():
    async with openai.AsyncOpenAI(base_url=os.environ["STUB_URL"], api_key="test") as client:
        await asyncio.gather(*(ask(client, f"f{number}") for number in range(4)))
asyncio.run(main())
"""
    assert sorted(call["feature"] for call in calls(code, variables, receiver)) == ["f0", "f1", "f2", "f3"]


def test_a_model_nobody_lists_arrives_marked(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    (call,) = calls("chat('in-house-7')", variables, receiver)
    assert call["costspan.price_status"] == "unpriced"
    assert "gen_ai.usage.cost_usd" not in call
