"""`costspan.budget(...).guard(client)`: a call that is not allowed is never sent, with the real client libraries."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import anthropic
import boto3
import openai
import pytest
from google import genai

import costspan
from costspan.core.errors import UsageError
from costspan.sdk.budgets.clients import ask_of
from costspan.testing.stub_provider import StubProvider, StubUsage

_names = (f"guarded-{number}" for number in itertools.count())
MESSAGES: Any = [{"role": "user", "content": "hello"}]
CALL_USD = Decimal("0.001525")
"""800 uncached tokens of gpt-5 at $1.25, 200 cached at $0.125 and 50 out at $10 a million."""


@pytest.fixture
def provider() -> Iterator[StubProvider]:
    with StubProvider(usage=StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50)) as listening:
        yield listening


def own(amount_usd: Any, **options: Any) -> costspan.budget:
    return costspan.budget(next(_names), amount_usd, **options)


def client_of(provider: StubProvider, budget: costspan.budget, **options: Any) -> openai.OpenAI:
    return budget.guard(openai.OpenAI(base_url=provider.base_url, api_key="test", **options))


def test_a_guarded_client_stops_at_the_budget_without_any_instrumentation(provider: StubProvider) -> None:
    budget = own("0.005", estimate_usd=CALL_USD)
    client = client_of(provider, budget)
    for _ in range(3):
        answer = client.chat.completions.create(model="gpt-5", messages=MESSAGES)
    assert answer.choices[0].message.content == "Hello."
    refused: list[Callable[[], Any]] = [
        lambda: client.chat.completions.create(model="gpt-5", messages=MESSAGES),
        lambda: client.chat.completions.create(model="gpt-5", messages=MESSAGES, stream=True),
        lambda: client.chat.completions.parse(model="gpt-5", messages=MESSAGES),
        lambda: client.chat.completions.with_raw_response.create(model="gpt-5", messages=MESSAGES),
        lambda: client.responses.create(model="gpt-5", input="hello"),
        lambda: client.embeddings.create(model="text-embedding-3-small", input="hello"),
    ]
    for call in refused:
        with pytest.raises(costspan.BudgetExceeded):
            call()
    assert len(provider.requests) == 3
    assert budget.look().spent_usd == 3 * CALL_USD


def test_threads_of_one_guarded_client_cannot_race_past_the_budget(provider: StubProvider) -> None:
    budget = own("0.005", estimate_usd=CALL_USD)
    client = client_of(provider, budget)
    together = threading.Barrier(12)

    def ask(_: int) -> bool:
        together.wait(20)
        try:
            client.chat.completions.create(model="gpt-5", messages=MESSAGES)
        except costspan.BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(ask, range(12))) == 3
    assert len(provider.requests) == 3


def test_tasks_of_one_guarded_async_client_cannot_race_past_the_budget(provider: StubProvider) -> None:
    budget = own("0.005", estimate_usd=CALL_USD)

    async def all_at_once() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=provider.base_url, api_key="test") as client:
            budget.guard(client)
            calls = [client.chat.completions.create(model="gpt-5", messages=MESSAGES) for _ in range(12)]
            return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(all_at_once())
    assert sum(isinstance(answer, costspan.BudgetExceeded) for answer in answers) == 9
    assert len(provider.requests) == 3
    assert budget.look().spent_usd == 3 * CALL_USD


def test_a_stream_nobody_instruments_counts_as_much_as_was_expected_of_it(provider: StubProvider) -> None:
    budget = own("1")
    client = client_of(provider, budget)
    for _ in client.chat.completions.create(model="gpt-5", messages=MESSAGES, stream=True, max_tokens=100):
        pass
    # 5 characters of content and 4 of the role are 3 tokens at $1.25; 100 at $10 a million
    assert budget.look().spent_usd == Decimal("0.00100375")


def test_an_error_of_the_provider_goes_on_as_it_is_and_costs_nothing(provider: StubProvider) -> None:
    provider.rate_limited = 1
    budget = own("1", estimate_usd=CALL_USD)
    client = client_of(provider, budget, max_retries=0)
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="gpt-5", messages=MESSAGES)
    assert (budget.look().spent_usd, budget.look().reserved_usd) == (0, 0)


def test_a_function_of_the_application_degrades_the_call_to_another_model(provider: StubProvider) -> None:
    budget = own("0.002", estimate_usd=CALL_USD, on_exceeded=lambda _: "gpt-5-nano")
    client = client_of(provider, budget)
    for _ in range(2):
        client.chat.completions.create(model="gpt-5", messages=MESSAGES)
    assert [request.body["model"] for request in provider.requests] == ["gpt-5", "gpt-5-nano"]
    # gpt-5-nano: 800 at $0.05, 200 at $0.005, 50 at $0.40 a million
    assert budget.look().spent_usd == CALL_USD + Decimal("0.000061")


def test_a_client_that_is_not_guarded_is_left_alone(provider: StubProvider) -> None:
    client_of(provider, own("0.000001", estimate_usd=1))
    free = openai.OpenAI(base_url=provider.base_url, api_key="test")
    free.chat.completions.create(model="gpt-5", messages=MESSAGES)
    assert len(provider.requests) == 1


def bedrock() -> Any:
    return boto3.client("bedrock-runtime", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


CLIENTS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "anthropic": (
        lambda: anthropic.Anthropic(api_key="test", base_url="http://127.0.0.1:9"),
        lambda client: client.messages.create(model="claude-haiku-4-5", max_tokens=5, messages=MESSAGES),
    ),
    "anthropic stream": (
        lambda: anthropic.Anthropic(api_key="test", base_url="http://127.0.0.1:9"),
        lambda client: client.messages.stream(model="claude-haiku-4-5", max_tokens=5, messages=MESSAGES),
    ),
    "anthropic async": (
        lambda: anthropic.AsyncAnthropic(api_key="test", base_url="http://127.0.0.1:9"),
        lambda client: asyncio.run(client.messages.create(model="claude-haiku-4-5", max_tokens=5, messages=MESSAGES)),
    ),
    "google": (
        lambda: genai.Client(api_key="test"),
        lambda client: client.models.generate_content(model="gemini-2.5-flash", contents="hello"),
    ),
    "google stream": (
        lambda: genai.Client(api_key="test"),
        lambda client: client.models.generate_content_stream(model="gemini-2.5-flash", contents="hello"),
    ),
    "google async": (
        lambda: genai.Client(api_key="test"),
        lambda client: asyncio.run(client.aio.models.generate_content(model="gemini-2.5-flash", contents="hello")),
    ),
    "bedrock converse": (bedrock, lambda client: client.converse(modelId="amazon.nova-lite-v1:0", messages=[])),
    "bedrock invoke": (bedrock, lambda client: client.invoke_model(modelId="amazon.nova-lite-v1:0", body=b"{}")),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_every_kind_of_client_is_refused_before_it_reaches_the_network(name: str) -> None:
    make, call = CLIENTS[name]
    client = own("0.000001", estimate_usd=1).guard(make())
    with pytest.raises(costspan.BudgetExceeded):
        call(client)


def test_what_has_no_method_that_calls_a_model_is_refused() -> None:
    with pytest.raises(UsageError, match="has no method that calls a model"):
        own("1").guard(object())


@pytest.mark.parametrize(
    ("request_", "model", "input_tokens", "output_tokens"),
    [
        ({"model": "gpt-5", "messages": MESSAGES, "max_completion_tokens": 7}, "gpt-5", 3, 7),
        ({"model": "gpt-5", "input": "x" * 300, "max_output_tokens": 9}, "gpt-5", 100, 9),
        ({"modelId": "amazon.nova-lite-v1:0", "inferenceConfig": {"maxTokens": 5}}, "amazon.nova-lite-v1:0", None, 5),
        (
            {"model": "m", "contents": ["abc"], "config": genai.types.GenerateContentConfig(max_output_tokens=4)},
            "m",
            1,
            4,
        ),
        ({"model": "m", "messages": [{"content": [{"image_url": {"url": "data:" + "x" * 900}}]}]}, "m", None, None),
        ({}, None, None, None),
    ],
)
def test_what_a_request_may_use_is_read_from_it(
    request_: dict[str, Any], model: str | None, input_tokens: int | None, output_tokens: int | None
) -> None:
    ask = ask_of(request_)
    assert (ask.model, ask.input_tokens, ask.output_tokens) == (model, input_tokens, output_tokens)
