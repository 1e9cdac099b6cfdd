"""Calls that `costspan import` read out of somebody's files, where no vendor's own dialect fits.

Written by `costspan.cli.importers`, which take the keys from here, so that both ends agree. Whoever imports a call says
that it is a request. A provider's own usage object counts as that provider counts, plain counts as the mapping says;
where it says nothing the numbers are asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import json_object, text
from costspan.semconv.conventions import CACHE_APART, INCLUSIVE, Convention, Counts
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, read_usage

CONVENTION: Final = "costspan.import.convention"
"""`inclusive` or `exclusive`: whether input contains cached tokens, where a mapping says it."""
_CONVENTIONS: Final = {"inclusive": INCLUSIVE, "exclusive": CACHE_APART}
_OWN: Final = {fact: (f"costspan.usage.{fact}",) for fact in Counts._fields if not getattr(GEN_AI, fact)}
_VOCABULARY: Final = GEN_AI.after(**_OWN)
USAGE_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {fact: getattr(_VOCABULARY, fact)[0] for fact in Counts._fields}
)
"""Fact of `Counts` -> the attribute it is written to."""


class Imported(Dialect):
    """A call out of a log, a mapping or another tool's export."""

    name = "imported"
    source = "costspan import of this version"
    markers = (b"gen_ai.",)
    scopes = ("costspan.import.*",)
    vocabulary = _VOCABULARY

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass:  # noqa: ARG002 - whatever its name
        """Return INFERENCE."""
        return SpanClass.INFERENCE

    def convention(self, record: SpanRecord) -> Convention | None:
        """Return what the mapping said, or None to ask the numbers."""
        return _CONVENTIONS.get(text(record.attributes.get(CONVENTION)) or "")

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what the provider's own usage object says."""
        usage = read_usage(json_object(record.attributes.get("gen_ai.usage.raw")))
        return None if usage is None else Answer(usage, mode=usage.mode)
