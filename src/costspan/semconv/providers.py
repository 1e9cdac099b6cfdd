"""Who answered, from the host the client talked to.

Client libraries of one vendor are pointed at many others (OpenAI's at Azure, Groq, DeepSeek, OpenRouter ...), and their
instrumentations go on saying `openai`. `gen_ai.provider.name` is the client's view; the host is who bills.
"""

from __future__ import annotations

from typing import Final

HOSTS: Final = (
    ("openai.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("models.inference.ai.azure.com", "azure.ai.inference"),
    ("openrouter.ai", "openrouter"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x_ai"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.perplexity.ai", "perplexity"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.cerebras.ai", "cerebras"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("amazonaws.com", "aws.bedrock"),
)

_GENERIC_CLIENTS: Final = frozenset({"openai", "anthropic", "azure", "langchain"})
"""Provider names that say which client library was used rather than who answered."""


def provider(sent: str | None, server_address: str | None) -> str | None:
    """Return the provider a call is billed by, as a name the price matcher knows or as sent."""
    if sent is not None and sent.lower() not in _GENERIC_CLIENTS:
        return sent
    host = _host(server_address)
    return next((name for suffix, name in HOSTS if host == suffix or host.endswith("." + suffix)), None) or sent


def _host(server_address: str | None) -> str:
    address = (server_address or "").lower()
    return (
        address.partition("://")[2].partition("/")[0].partition(":")[0]
        if "://" in address
        else address.partition(":")[0]
    )
