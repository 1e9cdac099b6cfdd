"""google-genai: `generate_content`, embeddings and chats; plain, async and streamed; Gemini API and Vertex AI.

The official instrumentation takes versions below 3 (1.3b0). For later ones there is ours, `google_genai_calls`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from opentelemetry.trace import TracerProvider

from costspan.sdk.clients.client import Client, Method


def _own(provider: TracerProvider) -> None:
    import_module("costspan.sdk.clients.google_genai_calls").instrument(provider)


GOOGLE_GENAI: Final = Client(
    name="google-genai",
    imported="google.genai",
    package="opentelemetry-instrumentation-google-genai",
    module="opentelemetry.instrumentation.google_genai",
    instrumentor="GoogleGenAiSdkInstrumentor",
    extra="costspan[google]",
    wrapped=Method(module="google.genai.models", owner="Models", name="generate_content"),
    own=_own,
)
