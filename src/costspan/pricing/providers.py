"""Provider names: from what a span says (`azure.ai.openai`, `AWS Bedrock`, `openai.chat`) to a price list's id.

Sources of the names: OpenTelemetry's `gen_ai.provider.name` values and the older `gen_ai.system`, Vercel AI SDK
provider strings, and the vendors' own spellings met in telemetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from costspan.pricing.rate_card import ProviderProfile

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("openai", "open-ai"),
    "azure": (
        "azure",
        "azure-openai",
        "azureopenai",
        "azure.ai.openai",
        "azure.ai.inference",
        "az.ai.openai",
        "az.ai.inference",
        "azure-ai",
        "azure-ai-inference",
        "azure-ai-foundry",
        "microsoft-foundry",
    ),
    "google": (
        "google",
        "gcp",
        "gcp.gemini",
        "gcp.gen-ai",
        "gcp.vertex-ai",
        "gcp.vertex",
        "gemini",
        "vertex",
        "vertex-ai",
        "vertexai",
        "google-gla",
        "google-vertex",
        "google-genai",
        "google-generative-ai",
        "google-ai-studio",
        "google-cloud",
        "google-vertex-anthropic",
    ),
    "aws": ("aws", "aws.bedrock", "amazon-bedrock", "amazon", "bedrock", "aws-bedrock", "bedrock-converse"),
    "anthropic": ("anthropic", "claude"),
    "x-ai": ("x-ai", "xai", "x.ai", "grok"),
    "mistral": ("mistral", "mistral-ai", "mistralai"),
    "moonshotai": ("moonshotai", "moonshot-ai", "moonshot", "kimi"),
    "cohere": ("cohere",),
    "deepseek": ("deepseek", "deepseek-ai"),
    "groq": ("groq",),
    "perplexity": ("perplexity", "perplexity-ai"),
    "together": ("together", "together-ai", "togetherai"),
    "fireworks": ("fireworks", "fireworks-ai"),
    "openrouter": ("openrouter", "open-router"),
    "zai": ("zai", "z-ai", "z.ai"),
    "zhipuai": ("zhipuai", "zhipu", "bigmodel"),
    "voyageai": ("voyageai", "voyage", "voyage-ai"),
    "cloudflare": ("cloudflare", "workers-ai", "cloudflare-workers-ai"),
    "watsonx": ("ibm.watsonx.ai", "watsonx", "ibm-watsonx", "ibm"),
    "ollama": ("ollama",),
    "meta": ("meta",),
}
_BY_SPELLING: Final = {spelling: provider for provider, spellings in _SPELLINGS.items() for spelling in spellings}

_NOT_A_PROVIDER: Final = frozenset(
    {"", "-other", "other", "unknown", "none", "null", "litellm", "langchain", "llama-index", "gateway", "custom"}
)
"""What libraries write when they do not know who was called: the model's name has to say it."""

AGGREGATORS: Final = frozenset({"openrouter", "together", "fireworks", "novita", "cloudflare", "groq", "baseten"})
"""Providers whose own model ids carry a vendor prefix, which is then part of the name."""


def provider_id(
    said: str | None, profiles: Mapping[str, ProviderProfile], private: frozenset[str], *, guess: bool = True
) -> str | None:
    """Return the price list's id for what a span says, the cleaned name when no list has it, None when it says nothing.

    `private` are providers that only an overlay knows. `openai.chat`, `anthropic.messages` and the like are tried
    whole and then with their last part removed; `guess` accepts a name that merely contains a provider's.
    """
    plain = (said or "").strip().lower()
    if plain in profiles or plain in private:
        return plain
    name = plain.replace("_", "-").replace(" ", "-")
    if name in _NOT_A_PROVIDER:
        return None
    part = name
    while part:
        if known := _known(part, profiles, private):
            return known
        part = part.rpartition(".")[0]
    if not guess:
        return name
    if "azure" in name:
        return "azure"
    return next((profile.provider for profile in profiles.values() if profile.known_as.hold(name)), name)


def _known(name: str, profiles: Mapping[str, ProviderProfile], private: frozenset[str]) -> str | None:
    if name in private:
        return name
    return _BY_SPELLING.get(name) or (name if name in profiles else None)


def claimants(model: str, profiles: Mapping[str, ProviderProfile]) -> tuple[str, ...]:
    """Return every provider whose price list claims a model of this name."""
    return tuple(profile.provider for profile in profiles.values() if profile.claims.hold(model))
