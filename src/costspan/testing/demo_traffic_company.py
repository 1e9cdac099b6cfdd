"""The company whose traffic the demo shows: features, teams, services, models. Invented; read by `demo_traffic`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from costspan.core.call import STANDARD_MODE, Call
from costspan.core.record import SpanRecord
from costspan.testing.spans import anthropic_sdk, openinference, openllmetry, otel_genai, otel_legacy

Builder = Callable[[Call], SpanRecord]


@dataclass(frozen=True, slots=True)
class Offer:
    """One way a feature calls a model, and how often it takes it. `told_by` is the instrumentation that reports it;
    `in_agent` that a framework around the client reports it a second time, and sums it up in its agent's run."""

    weight: float
    provider: str
    model: str
    answered_by: str
    told_by: Builder
    mode: str = STANDARD_MODE
    operation: str = "chat"
    server: str | None = None
    in_agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one product feature asks of models. Token figures are medians; shares are of calls or of tokens."""

    name: str
    team: str
    service: str
    share_of_calls: float
    offers: tuple[Offer, ...]
    input_tokens: int
    output_tokens: int
    cached_share: float = 0.0
    written_share: float = 0.0
    reasoning_share: float = 0.0
    streamed_share: float = 0.0
    hours: tuple[float, ...]


def _mean_of_one(weights: list[float]) -> tuple[float, ...]:
    return tuple(weight * len(weights) / sum(weights) for weight in weights)


OFFICE: Final = _mean_of_one([2, 1, 1, 1, 2, 4, 9, 18, 30, 38, 40, 37, 32, 36, 41, 42, 40, 34, 26, 19, 14, 10, 6, 4])
NIGHTLY: Final = _mean_of_one([30, 60, 80, 60, 25, 8, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 5, 8, 15])
ALL_DAY: Final = _mean_of_one([7, 6, 5, 5, 6, 7, 9, 11, 13, 14, 14, 14, 13, 14, 14, 14, 14, 13, 13, 12, 12, 11, 10, 8])
"""Weight of each hour of the day in UTC, mean 1."""

WEEKDAYS: Final = _mean_of_one([1.0, 1.06, 1.08, 1.04, 0.93, 0.38, 0.32])
"""Weight of each day from Monday on, mean 1."""

RUNAWAY_FEATURE: Final = "document_summary"
STORM_FEATURE: Final = "code_review"
UNPRICED_FEATURE: Final = "internal_assistant"
UNPRICED_MODEL: Final = "acme-internal-70b"

COMPANY: Final = (
    Feature(
        name="support_chat",
        team="support",
        service="support-bot",
        share_of_calls=0.22,
        offers=(
            Offer(0.55, "openai", "gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", otel_genai),
            Offer(0.20, "openai", "gpt-5.4", "gpt-5.4-2026-03-05", otel_genai),
            Offer(0.05, "openai", "gpt-5.4", "gpt-5.4-2026-03-05", otel_genai, mode="priority"),
            Offer(0.12, "openai", "gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", openinference),
            Offer(0.08, "openai", "gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", openllmetry),
        ),
        input_tokens=9_000,
        output_tokens=480,
        cached_share=0.6,
        streamed_share=0.8,
        hours=ALL_DAY,
    ),
    Feature(
        name="semantic_search",
        team="search",
        service="search-api",
        share_of_calls=0.2,
        offers=(
            Offer(
                0.7, "openai", "text-embedding-3-small", "text-embedding-3-small", otel_genai, operation="embeddings"
            ),
            Offer(0.3, "openai", "gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", otel_genai),
        ),
        input_tokens=2_400,
        output_tokens=160,
        cached_share=0.3,
        hours=OFFICE,
    ),
    Feature(
        name="document_summary",
        team="docs",
        service="doc-worker",
        share_of_calls=0.11,
        offers=(
            Offer(0.75, "anthropic", "claude-sonnet-4-6", "claude-sonnet-4-6", openllmetry),
            Offer(0.25, "anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001", openllmetry),
        ),
        input_tokens=190_000,
        output_tokens=5_800,
        cached_share=0.15,
        hours=OFFICE,
    ),
    Feature(
        name="code_review",
        team="platform",
        service="review-bot",
        share_of_calls=0.1,
        offers=(
            Offer(0.45, "anthropic", "claude-opus-4-6", "claude-opus-4-6", anthropic_sdk),
            Offer(0.40, "anthropic", "claude-sonnet-4-6", "claude-sonnet-4-6", anthropic_sdk),
            Offer(0.15, "anthropic", "claude-sonnet-4-6", "claude-sonnet-4-6", anthropic_sdk, mode="batch"),
        ),
        input_tokens=220_000,
        output_tokens=10_500,
        cached_share=0.65,
        written_share=0.12,
        reasoning_share=0.5,
        streamed_share=0.3,
        hours=OFFICE,
    ),
    Feature(
        name="research_agent",
        team="search",
        service="research",
        share_of_calls=0.11,
        offers=(
            Offer(0.85, "openai", "gpt-5.4", "gpt-5.4-2026-03-05", otel_genai, in_agent=True),
            Offer(0.15, "openai", "o3", "o3-2025-04-16", otel_genai, in_agent=True),
        ),
        input_tokens=150_000,
        output_tokens=11_000,
        cached_share=0.4,
        reasoning_share=0.55,
        streamed_share=0.5,
        hours=OFFICE,
    ),
    Feature(
        name="contract_analysis",
        team="docs",
        service="doc-worker",
        share_of_calls=0.07,
        offers=(
            Offer(0.8, "google", "gemini-2.5-pro", "gemini-2.5-pro", otel_genai, operation="generate_content"),
            Offer(0.2, "google", "gemini-2.5-flash", "gemini-2.5-flash", otel_genai, operation="generate_content"),
        ),
        input_tokens=190_000,
        output_tokens=9_000,
        cached_share=0.1,
        reasoning_share=0.35,
        hours=OFFICE,
    ),
    Feature(
        name="fraud_triage",
        team="payments",
        service="risk-engine",
        share_of_calls=0.08,
        offers=(
            Offer(0.8, "openai", "o3", "o3-2025-04-16", openinference),
            Offer(0.2, "openai", "o4-mini", "o4-mini-2025-04-16", openinference),
        ),
        input_tokens=14_000,
        output_tokens=4_200,
        cached_share=0.25,
        reasoning_share=0.75,
        hours=ALL_DAY,
    ),
    Feature(
        name="lead_scoring",
        team="growth",
        service="crm-sync",
        share_of_calls=0.08,
        offers=(
            Offer(0.7, "openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", otel_genai, mode="flex"),
            Offer(0.3, "azure", "gpt-4o", "gpt-4o-2024-08-06", otel_legacy),
        ),
        input_tokens=6_000,
        output_tokens=700,
        hours=NIGHTLY,
    ),
    Feature(
        name="internal_assistant",
        team="platform",
        service="assistant",
        share_of_calls=0.03,
        offers=(
            Offer(0.5, "openai", "gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", otel_genai),
            Offer(0.3, "anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001", openllmetry),
            Offer(0.2, "anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001", otel_genai),
        ),
        input_tokens=11_000,
        output_tokens=900,
        cached_share=0.3,
        hours=OFFICE,
    ),
)

UNPRICED_OFFER: Final = Offer(1.0, "openai", UNPRICED_MODEL, UNPRICED_MODEL, otel_genai, server="llm.acme.example")
"""The model the platform team serves itself behind an OpenAI-compatible door: no price list knows it."""

USERS: Final = tuple(f"u-{number:03d}" for number in range(1, 301))
USER_WEIGHTS: Final = tuple(accumulate(1 / (rank + 4) for rank in range(len(USERS))))
"""Cumulative, after Zipf: a few people ask most."""

ENVIRONMENTS: Final = ("production", "staging", "development")
ENVIRONMENT_WEIGHTS: Final = (0.88, 0.97, 1.0)
"""Cumulative."""
