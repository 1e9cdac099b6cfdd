"""Every way a model or provider is named in telemetry leads to one price list, or to an honest "unpriced"."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from costspan.core.charge import PricedUsage, PriceStatus
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_usage

CARD = load_rate_card()
SONNET_ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HAIKU_ARN = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"


def priced(provider: str | None, *models: str) -> PricedUsage:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return price_usage(CARD, Usage({Unit.INPUT: 1_000}), provider=provider, models=models, at=at)


@pytest.mark.parametrize(
    ("said", "provider"),
    [
        ("azure.ai.openai", "azure"), ("azure.ai.inference", "azure"), ("az.ai.openai", "azure"), ("Azure", "azure"),
        ("openai", "openai"), ("OpenAI", "openai"), ("openai.chat", "openai"), ("openai.responses", "openai"),
    ],
)  # fmt: skip
def test_openai_models_are_priced_at_the_provider_that_served_them(said: str, provider: str) -> None:
    found = priced(said, "gpt-4o-mini")
    assert (found.status, found.provider, found.model) == (PriceStatus.PRICED, provider, "gpt-4o-mini")


@pytest.mark.parametrize(
    "said",
    ["gcp.gemini", "gcp.gen_ai", "gcp.vertex_ai", "gemini", "vertex_ai", "google-gla", "google", "Google",
     "google.generative-ai", "google.vertex.chat", "google_genai", "gcp.vertex.agent"],
)  # fmt: skip
def test_every_google_name_is_google(said: str) -> None:
    assert priced(said, "gemini-2.5-flash").provider == "google"


@pytest.mark.parametrize(
    ("said", "model", "provider"),
    [
        ("aws.bedrock", "amazon.nova-pro-v1:0", "aws"),
        ("amazon-bedrock", "amazon.nova-pro-v1:0", "aws"),
        ("bedrock", "amazon.nova-pro-v1:0", "aws"),
        ("AWS", "amazon.nova-pro-v1:0", "aws"),
        ("x_ai", "grok-4", "x-ai"),
        ("xai", "grok-4", "x-ai"),
        ("xai.chat", "grok-4", "x-ai"),
        ("mistral_ai", "mistral-large-2512", "mistral"),
        ("moonshot_ai", "kimi-k2-0905-preview", "moonshotai"),
        ("Anthropic", "claude-haiku-4-5", "anthropic"),
        ("anthropic.messages", "claude-haiku-4-5", "anthropic"),
        ("google.vertex.anthropic.messages", "claude-haiku-4-5@20251001", "google"),
    ],
)
def test_a_provider_answers_to_its_names(said: str, model: str, provider: str) -> None:
    found = priced(said, model)
    assert (found.status, found.provider) == (PriceStatus.PRICED, provider)


@pytest.mark.parametrize(
    ("provider", "sent", "model"),
    [
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "gpt-5.2-20251211", "gpt-5.2"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::AbC123", "ft:gpt-4o-mini-2024-07-18"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gcp.vertex_ai", "projects/p/locations/us-west1/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("google", "vertex_ai/claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("aws.bedrock", SONNET_ARN, "us.anthropic.claude-sonnet-4-5"),
        ("aws.bedrock", "bedrock/us-east-1/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("aws.bedrock", "nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("openrouter", "openai/gpt-4o", "openai/gpt-4o"),
        ("openrouter", "openrouter/openai/gpt-4o", "openai/gpt-4o"),
    ],
)  # fmt: skip
def test_a_model_is_found_in_every_form_it_is_sent_in(provider: str, sent: str, model: str) -> None:
    found = priced(provider, sent)
    assert (found.status, found.model) == (PriceStatus.PRICED, model)


@pytest.mark.parametrize("arn", [SONNET_ARN, HAIKU_ARN])
def test_a_bedrock_arn_needs_no_provider_name(arn: str) -> None:
    assert priced(None, arn).provider == "aws"


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-600"),
        ("anthropic", "claude-sonnet-4-60"),
        ("anthropic", "claude-opus-4-55"),
        ("anthropic", "claude-haiku-4-5.7"),
        ("openai", "gpt-9-foo"),
        ("openai", "gpt-5.44"),
        ("azure", "my-deployment"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"),
        ("ibm.watsonx.ai", "ibm/granite-13b-chat-v2"),
        ("acme-gateway", "gpt-4o"),
        (None, "llama3.2"),
        (None, "gpt-9-foo"),
        ("ollama", "gpt-oss:120b-cloud"),
        ("cerebras", "qwen-3-coder-480b"),
    ],
)
def test_a_name_no_list_has_is_unpriced_and_never_zero(provider: str | None, model: str) -> None:
    found = priced(provider, model)
    assert (found.status, found.cost, found.charges) == (PriceStatus.UNPRICED, None, ())
    assert found.reason


def test_the_model_that_answered_comes_before_the_one_asked_for() -> None:
    assert priced("openai", "gpt-4o-mini-2024-07-18", "gpt-4o").model == "gpt-4o-mini"


def test_the_requested_model_is_used_where_the_answering_one_is_not_listed() -> None:
    found = priced("azure", "my-deployment", "gpt-4o")
    assert found.model == "gpt-4o"
    assert found.rate is not None
    assert found.rate.matched_by == "literal gpt-4o, by the requested model"


def test_a_fallback_says_so() -> None:
    found = priced("azure", "gpt-4.1")
    assert found.rate is not None
    assert (found.provider, found.rate.provider) == ("azure", "openai")
    assert found.rate.matched_by == "literal gpt-4.1, fallback azure to openai"


def test_a_snapshot_that_is_not_listed_is_priced_as_its_model_and_marked_assumed() -> None:
    found = priced("openai", "gpt-4.1-2026-09-30")
    assert (found.status, found.model) == (PriceStatus.ASSUMED, "gpt-4.1")
    assert found.reason == "gpt-4.1-2026-09-30 is not listed: priced as gpt-4.1"


def test_without_a_provider_the_only_one_that_claims_the_model_is_taken() -> None:
    found = priced(None, "claude-haiku-4-5")
    assert found.rate is not None
    assert found.rate.matched_by == "prefix claude-haiku-4-5, provider inferred from the model name"
