"""LangChain and LangGraph: chains, agents and tools, around the model calls of whichever client they use.

Beside the official instrumentation of that client there is one span of a model call, with everything both know; the
spans of agents, workflows and tools cost nothing.
"""

from __future__ import annotations

from typing import Final

from costspan.sdk.clients.client import Client, Method

LANGCHAIN: Final = Client(
    name="langchain",
    imported="langchain_core",
    package="opentelemetry-instrumentation-genai-langchain",
    module="opentelemetry.instrumentation.genai.langchain",
    instrumentor="LangChainInstrumentor",
    extra="costspan[langchain]",
    wrapped=Method(module="langchain_core.callbacks.base", owner="BaseCallbackManager", name="__init__"),
)
