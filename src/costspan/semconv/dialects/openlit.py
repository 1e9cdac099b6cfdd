"""OpenLIT: the current names with placeholders for what was not set.

Source: captured from openlit 1.45.0. Its Anthropic input leaves cached tokens out; its own cost ignores caches and
tiers and is kept beside ours, never used. Streams without usage carry its own estimate, and nothing says so.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.record import Attributes, SpanRecord
from costspan.semconv.conventions import CACHE_APART, INCLUSIVE, Convention
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class OpenLit(Dialect):
    """Spans of OpenLIT's instrumentations."""

    name = "openlit"
    source = "openlit 1.45.0"
    markers = (b"gen_ai.",)
    scopes = ("openlit.*", "openlit")
    tell_tales: ClassVar = ("openlit.",)
    tell_tale_values: ClassVar = {"telemetry.sdk.name": ("openlit",)}
    vocabulary = GEN_AI

    def convention(self, record: SpanRecord) -> Convention | None:
        """Return that of the scope; a span without its scope is judged by its provider, which the scope repeats."""
        known = super().convention(record)
        if known is not None:
            return known
        return CACHE_APART if (self.provider(record) or "").lower() in {"anthropic", "aws.bedrock"} else INCLUSIVE

    def attribution_attributes(self, record: SpanRecord) -> Attributes:
        """Return the attributes without the environment `default`, which is OpenLIT's word for "not set"."""
        if record.attributes.get("deployment.environment") != "default":
            return record.attributes
        return {key: value for key, value in record.attributes.items() if key != "deployment.environment"}
