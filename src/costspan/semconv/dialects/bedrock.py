"""Amazon Bedrock as its two official instrumentations report it: cached tokens beside the input, not inside.

Source: captured from opentelemetry-instrumentation-botocore 0.66b2 and -genai-bedrock 1.3b0. Neither has a response id,
the model that answered, a time to live or a tier.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.record import SpanRecord
from costspan.semconv.conventions import CACHE_APART
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class Bedrock(Dialect):
    """Converse and InvokeModel spans; other AWS calls of the same scope claim nothing and are left alone."""

    name = "bedrock"
    source = "opentelemetry-instrumentation-botocore 0.66b2, -genai-bedrock 1.3b0"
    markers = (b"gen_ai.",)
    scopes = ("opentelemetry.instrumentation.botocore*", "opentelemetry.instrumentation.genai.bedrock*")
    usual: ClassVar = CACHE_APART
    vocabulary = GEN_AI

    def provider(self, record: SpanRecord) -> str | None:
        """Return Bedrock where the span claims a model and names nobody."""
        return super().provider(record) or "aws.bedrock"
