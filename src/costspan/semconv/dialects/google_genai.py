"""google-genai: the official instrumentation and our own.

Source: captured from opentelemetry-instrumentation-google-genai 1.3b0 on google-genai 2.34, and from ours on 3.4. The
official one drops the results of tools that Google ran: nothing on the span says that they existed, so such a call is
priced too low.
"""

from __future__ import annotations

from costspan.core.record import SpanRecord
from costspan.semconv.conventions import Counts
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class GoogleGenAI(Dialect):
    """Spans of google-genai; `gemini` is the official instrumentation's name for the provider."""

    name = "google_genai"
    source = "opentelemetry-instrumentation-google-genai 1.3b0; costspan on google-genai 3.4"
    markers = (b"gen_ai.",)
    scopes = ("opentelemetry.instrumentation.google_genai", "costspan.google_genai")
    vocabulary = GEN_AI.after(tool_use_input=("gen_ai.usage.tool_use.input_tokens",))

    def counts(self, record: SpanRecord) -> Counts:
        """Return the counts with the results of tools beside the input, inside which ours counts them."""
        counts = super().counts(record)
        if record.scope.name != "costspan.google_genai" or counts.input is None:
            return counts
        return counts._replace(input=counts.input - (counts.tool_use_input or 0))
