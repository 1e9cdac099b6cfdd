"""Usages worked out by hand from published prices, among them those that other price libraries get wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from costspan.core.money import usd_text
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_usage

CARD = load_rate_card()
TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
IN, OUT, READ, THINK = Unit.INPUT, Unit.OUTPUT, Unit.CACHE_READ, Unit.REASONING
W5M, W1H, AUDIO, SEARCH = Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_1H, Unit.INPUT_AUDIO, Unit.WEB_SEARCH
M, K = 1_000_000, 1_000

CASES = [
    ("cached half price", "openai", "gpt-4o", {IN: 400, READ: 600, OUT: 200}, "0.00375"),
    ("reasoning at the output price", "openai", "gpt-5", {IN: 976, READ: 1024, OUT: 500, THINK: 2500}, "0.031348"),
    ("cache read and write", "anthropic", "claude-sonnet-4-5", {IN: 50, READ: 10 * K, W5M: 2 * K, OUT: 500}, "0.01815"),
    ("both lives of a cache", "anthropic", "claude-haiku-4-5", {IN: 100, W5M: K, W1H: 2 * K, OUT: 200}, "0.00635"),
    ("exactly the threshold", "google", "gemini-2.5-pro", {IN: 200_000, OUT: K}, "0.26"),
    ("one token over it", "google", "gemini-2.5-pro", {IN: 200_001, OUT: K}, "0.5150025"),
    ("thoughts of Gemini", "google", "gemini-2.5-flash", {IN: K, OUT: 200, THINK: 800}, "0.0028"),
    ("audio dearer than text", "google", "gemini-2.5-flash", {IN: 200, AUDIO: 800, OUT: 100}, "0.00111"),
    ("three web searches", "anthropic", "claude-sonnet-4-6", {IN: K, OUT: 500, SEARCH: 3}, "0.0405"),
    ("searches of a small model", "anthropic", "claude-haiku-4-5", {IN: K, OUT: 500, SEARCH: 3}, "0.0335"),
    ("an embedding", "openai", "text-embedding-3-small", {IN: M}, "0.02"),
    ("twenty tokens are not zero", "openai", "text-embedding-3-small", {IN: 20}, "0.0000004"),
    ("Bedrock, US", "aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", {IN: 10 * K, OUT: K}, "0.0495"),
    ("Azure by its OTel name", "azure.ai.openai", "gpt-4o-2024-08-06", {IN: 10 * K, OUT: K}, "0.035"),
    ("the alias of Large 3", "mistral", "mistral-large-latest", {IN: M, OUT: 100 * K}, "0.65"),
    ("tool prompt is input", "google", "gemini-2.5-pro",
     {IN: 600, READ: 400, Unit.TOOL_USE_INPUT: 300, OUT: 200, THINK: 800}, "0.011175"),
    ("a dated Claude", "anthropic", "claude-sonnet-4-20250514", {IN: 100 * K, OUT: 10 * K}, "0.45"),
]  # fmt: skip

DATED = [
    ("o3 before the cut", "openai", "o3", "standard", "2025-05-01T00:00", "14"),
    ("o3 on the day of the cut", "openai", "o3", "standard", "2025-06-10T00:00", "2.8"),
    ("gpt-4o at launch price", "openai", "gpt-4o", "standard", "2024-07-01T00:00", "6.5"),
    ("gpt-4o after the alias moved", "openai", "gpt-4o", "standard", "2024-10-02T00:00", "3.5"),
    ("o1-mini at launch price", "openai", "o1-mini", "standard", "2024-12-01T00:00", "4.2"),
    ("a batch today", "openai", "gpt-4o", "batch", "2026-11-20T00:00", "1.75"),
    ("a batch before it was verified", "openai", "gpt-4o", "batch", "2026-06-01T00:00", "1.75"),
    ("DeepSeek V3.2 at noon", "deepseek", "deepseek-chat", "standard", "2026-01-15T12:00", "0.322"),
    ("DeepSeek V3.2 in the evening", "deepseek", "deepseek-chat", "standard", "2026-01-15T20:00", "0.322"),
    ("DeepSeek V3 by day", "deepseek", "deepseek-chat", "standard", "2025-06-02T12:00", "0.38"),
    ("DeepSeek V3 at night", "deepseek", "deepseek-chat", "standard", "2025-06-02T23:30", "0.19"),
    ("the last minute of the night", "deepseek", "deepseek-chat", "standard", "2025-06-03T00:29", "0.19"),
    ("DeepSeek at a Friday peak", "deepseek", "deepseek-flash", "standard", "2026-11-20T07:00", "0.42"),
    ("the same hour on Saturday", "deepseek", "deepseek-flash", "standard", "2026-11-21T07:00", "0.21"),
    ("gemini-flash-latest was 2.5 Flash", "google", "gemini-flash-latest", "standard", "2025-11-01T00:00", "0.55"),
]


@pytest.mark.parametrize(("case", "provider", "model", "used", "usd"), CASES)
def test_a_usage_costs_what_a_hand_calculation_says(
    case: str, provider: str, model: str, used: dict[Unit, int], usd: str
) -> None:
    found = price_usage(CARD, Usage(used), provider=provider, models=(model,), at=TODAY)
    assert (case, found.status, usd_text(found.cost or 0)) == (case, "priced", usd)


@pytest.mark.parametrize(("case", "provider", "model", "mode", "at", "usd"), DATED)
def test_a_million_in_and_a_tenth_out_cost_the_price_of_their_day(
    case: str, provider: str, model: str, mode: str, at: str, usd: str
) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    usage = Usage({Unit.INPUT: M, Unit.OUTPUT: 100 * K})
    found = price_usage(CARD, usage, provider=provider, models=(model,), mode=mode, at=moment)
    assert (case, found.status, usd_text(found.cost or 0)) == (case, "priced", usd)


def test_the_long_context_price_of_february_holds_for_february() -> None:
    usage = Usage({IN: 5_000, READ: 250_000, OUT: K})
    found = price_usage(
        CARD, usage, provider="anthropic", models=("claude-sonnet-4-5",), at=datetime(2026, 2, 1, tzinfo=UTC)
    )
    assert usd_text(found.cost or 0) == "0.2025"


@pytest.mark.parametrize(("model", "mode", "usd"), [("gpt-5", "flex", "0.1125"), ("gpt-5.4", "priority", "0.8")])
def test_the_tier_served_sets_the_price(model: str, mode: str, usd: str) -> None:
    usage = Usage({IN: 100 * K, OUT: 10 * K})
    found = price_usage(CARD, usage, provider="openai", models=(model,), mode=mode, at=TODAY)
    assert (found.status, usd_text(found.cost or 0)) == ("priced", usd)


def test_two_thresholds_make_three_bands() -> None:
    def price_at(tokens: int) -> str:
        usage = Usage({IN: tokens})
        found = price_usage(CARD, usage, provider="openrouter", models=("qwen/qwen3-coder-flash",), at=TODAY)
        return str(found.charges[0].price)

    assert [price_at(tokens) for tokens in (32_000, 32_001, 128_000, 128_001)] == ["0.195", "0.325", "0.325", "0.52"]
