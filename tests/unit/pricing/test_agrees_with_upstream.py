"""The catalogue is the data of genai-prices, flattened: where no patch speaks, both name the same figure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from genai_prices import Usage as UpstreamUsage
from genai_prices.data import providers
from genai_prices.types import ClauseEquals, ClauseOr, ClauseStartsWith, ModelInfo, Provider

from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.match import match
from costspan.pricing.price_call import price_usage

SAMPLES = 8_000
MODES = {
    "standard": ({},),
    "batch": ({"processing": "batch"},),
    "flex": ({"service_tier": "flex"},),
    "priority": ({"service_tier": "priority"},),
    "fast": ({"service_tier": "fast"}, {"speed": "fast"}),
}
INPUT = [Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_1H, Unit.INPUT_AUDIO, Unit.INPUT_IMAGE]
OUTPUT = [Unit.OUTPUT, Unit.REASONING, Unit.OUTPUT_AUDIO, Unit.OUTPUT_IMAGE]
CARD = load_rate_card()


def as_upstream(usage: Usage) -> UpstreamUsage:
    """Upstream counts inclusively: totals on top, each finer count a part of the one above."""
    audio, write = usage[Unit.INPUT_AUDIO] + usage[Unit.CACHE_READ_AUDIO], usage[Unit.CACHE_WRITE_1H]
    counts = {
        "input_tokens": usage.context_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": write,
        "input_audio_tokens": audio,
        "cache_audio_read_tokens": usage[Unit.CACHE_READ_AUDIO],
        "input_image_tokens": usage[Unit.INPUT_IMAGE],
        "cache_image_read_tokens": 0,
        "cache_audio_write_tokens": 0,
        "cache_image_write_tokens": 0,
        "output_reasoning_tokens": usage[Unit.REASONING],
        "output_audio_tokens": usage[Unit.OUTPUT_AUDIO],
        "output_image_tokens": usage[Unit.OUTPUT_IMAGE],
        "web_searches": usage[Unit.WEB_SEARCH],
    }
    return UpstreamUsage(**counts)


def name_of(model: ModelInfo) -> str | None:
    """A name of the model that no earlier model takes: what a span would say."""
    clauses = model.match.or_ if isinstance(model.match, ClauseOr) else [model.match]
    for clause in clauses:
        if isinstance(clause, ClauseEquals):
            return clause.equals
        if isinstance(clause, ClauseStartsWith):
            return clause.starts_with
    return None


def priced_models() -> Iterator[tuple[Provider, ModelInfo, str]]:
    """Every model with a price per token, under a name upstream resolves to it."""
    for provider in providers:
        for model in provider.models:
            name = name_of(model)
            prices = model.prices[0].prices if isinstance(model.prices, list) else model.prices
            if name and prices.input_mtok is not None and provider.find_model(name) is model:
                yield provider, model, name


def amounts(chooser: random.Random) -> Usage:
    """A usage of two to fifteen units; half of them stay below every context threshold."""
    scale = chooser.choice([2_000, 20_000, 150_000, 400_000, 1_200_000])
    units = chooser.sample(INPUT, chooser.randint(1, len(INPUT))) + chooser.sample(OUTPUT, chooser.randint(0, 4))
    if chooser.random() < 0.2:
        units.append(Unit.WEB_SEARCH)
    if chooser.random() < 0.3:
        units = [chooser.choice(units)]
    return Usage({unit: chooser.randint(1, 20 if unit is Unit.WEB_SEARCH else scale) for unit in units})


def pico(amount: Decimal) -> int:
    return int((amount * 10**12).to_integral_value(ROUND_HALF_EVEN))


def test_thousands_of_random_usages_cost_what_genai_prices_says() -> None:
    chooser = random.Random(20261120)
    models = list(priced_models())
    assert len(models) > 1_900
    compared, wrong = 0, []
    while compared < SAMPLES and len(wrong) < 20:
        provider, model, name = chooser.choice(models)
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=chooser.randrange(3 * 365 * 86_400))
        usage, mode = amounts(chooser), chooser.choice(list(MODES) if model.price_variants else ["standard"])
        contexts = [when for when in MODES[mode] if any(v.when == when for v in model.price_variants or ())]
        context = contexts[0] if contexts else None
        theirs = model.calc_price(as_upstream(usage), provider, genai_request_timestamp=at, price_context=context)
        ours = price_usage(CARD, usage, provider=provider.id, models=(name,), mode=mode, at=at)
        if ours.rate is not None and ours.rate.layer == "patch":
            continue
        compared += 1
        # Upstream bills a unit it has no price for at 0; here it is named, and the rest is the same figure.
        figure = sum(charge.cost for charge in ours.charges)
        rounding = len(ours.charges) // 2
        if abs(figure - pico(theirs.total_price)) > rounding:
            wrong.append((provider.id, name, mode, at, dict(usage), figure, theirs.total_price))
    assert wrong == []


def test_every_literal_name_of_upstream_finds_the_same_model() -> None:
    moved = {"us.anthropic", "gpt-4o", "mistral-large-latest", "gemini-flash-latest", "gemini-flash-lite-latest"}
    different = []
    for provider, model, name in priced_models():
        found = match(CARD, provider.id, (name,))
        if isinstance(found, str) or found.listed_by != provider.id or found.model != model.id:
            different.append((provider.id, name, model.id, found))
    assert [each for each in different if each[1] not in moved] == []
