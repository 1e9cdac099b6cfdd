"""OpenAI: chat completions, Responses, embeddings; plain, async and streamed."""

from __future__ import annotations

from typing import Final

from costspan.sdk.clients.client import Client, Method

OPENAI: Final = Client(
    name="openai",
    module="opentelemetry.instrumentation.genai.openai",
    instrumentor="OpenAIInstrumentor",
    extra="costspan[openai]",
    wrapped=Method(module="openai.resources.chat.completions", owner="Completions", name="create"),
)
