"""Who answered, from the host the client talked to.

Client libraries of one vendor are pointed at many others (OpenAI's at Azure, Groq, DeepSeek, OpenRouter ...), and their
instrumentations go on saying `openai`. `gen_ai.provider.name` is the client's view; the host is who bills.
"""

from __future__ import annotations

from functools import lru_cache
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
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.voyageai.com", "voyageai"),
    ("api.z.ai", "zai"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("amazonaws.com", "aws.bedrock"),
)

_GENERIC_CLIENTS: Final = frozenset({"openai", "anthropic", "azure", "custom_openai", "openai_like"})
"""Provider names that say which client library was used rather than who answered."""

NOT_PROVIDERS: Final = frozenset(
    {
        "strands-agents",
        "microsoft.agent_framework",
        "microsoft.agents",
        "gcp.vertex.agent",
        "langchain",
        "langgraph",
        "llama_index",
        "llamaindex",
        "crewai",
        "haystack",
        "dspy",
        "agno",
        "litellm",
        "litellm_proxy",
        "gateway",
        "portkey",
        "openai_agents",
        "livekit",
        "genkit",
        "spring_ai",
        "_other",
        "other",
        "unknown",
        "custom",
    }
)
"""What frameworks write in a provider's place: their own name. The host or the model's name then says who answered."""


def provider(sent: str | None, server_address: str | None) -> str | None:
    """Return the provider a call is billed by, as a name the price matcher knows or as sent."""
    lowered = (sent or "").lower()
    if lowered in NOT_PROVIDERS:
        sent = None
    elif sent is not None and lowered not in _GENERIC_CLIENTS:
        return sent
    if server_address is None:
        return sent
    return _by_host(server_address) or sent


@lru_cache(maxsize=4096)
def _by_host(server_address: str) -> str | None:
    host = _host(server_address)
    return next((name for suffix, name in HOSTS if host == suffix or host.endswith("." + suffix)), None)


def _host(server_address: str) -> str:
    address = server_address.lower()
    return (
        address.partition("://")[2].partition("/")[0].partition(":")[0]
        if "://" in address
        else address.partition(":")[0]
    )
