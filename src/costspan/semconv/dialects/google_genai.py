"""The official instrumentation of google-genai.

Source: captured from opentelemetry-instrumentation-google-genai 1.3b0. It drops tool-use prompt tokens: nothing on the
span says that they existed, so such a call is priced too low.
"""

from __future__ import annotations

from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class GoogleGenAI(Dialect):
    """Spans of google-genai; `gemini` is its name for the provider."""

    name = "google_genai"
    source = "opentelemetry-instrumentation-google-genai 1.3b0"
    markers = (b"gen_ai.",)
    scopes = ("opentelemetry.instrumentation.google_genai",)
    vocabulary = GEN_AI.after(tool_use_input=("gen_ai.usage.tool_use.input_tokens",))
