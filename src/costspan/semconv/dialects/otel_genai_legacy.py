"""The `gen_ai.system` era: semantic conventions up to 1.36 and instrumentations that stayed there.

Source: open-telemetry/semantic-conventions v1.27 to v1.36; captured from opentelemetry-instrumentation-openai-v2
2.4b0 and @opentelemetry/instrumentation-openai 0.21.0. Cached and reasoning tokens were not reported then, so a
call of this dialect may be priced too high where a cache was used; nothing in the span says so.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class OtelGenAILegacy(Dialect):
    """Spans of instrumentations that name the provider `gen_ai.system`."""

    name = "otel_genai_legacy"
    source = "open-telemetry/semantic-conventions v1.36"
    markers = (b"gen_ai.",)
    scopes = (
        "opentelemetry.instrumentation.openai_v2*",
        "opentelemetry.instrumentation.vertexai*",
        "@opentelemetry/instrumentation-openai*",
    )
    tell_tales: ClassVar = ("gen_ai.system",)
    vocabulary = GEN_AI
