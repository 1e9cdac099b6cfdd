"""The spans of `costspan.track`: the specification's keys, and our own for the units it has no key for.

Written by `costspan.sdk.tracked_call`, which takes the keys from here, so that both ends agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import flag
from costspan.semconv.conventions import Counts
from costspan.semconv.dialects.base import AGGREGATE_WORDS, Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI

SCOPE: Final = "costspan.track"
AGGREGATE: Final = "costspan.aggregate"
"""True on a span that sums up what several instrumented calls below it used."""

_OWN: Final = {fact: (f"costspan.usage.{fact}",) for fact in Counts._fields if not getattr(GEN_AI, fact)}
_VOCABULARY: Final = GEN_AI.after(**_OWN)
USAGE_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {fact: getattr(_VOCABULARY, fact)[0] for fact in Counts._fields}
)
"""Fact of `Counts` -> the attribute it is written to."""


class Tracked(Dialect):
    """A call recorded by hand. Whoever tracks an operation says that it is a request, whatever its name."""

    name = "tracked"
    source = "costspan.track of this version"
    markers = (b"gen_ai.",)
    scopes = (SCOPE,)
    tell_tales: ClassVar = (AGGREGATE, *(key for keys in _OWN.values() for key in keys))
    vocabulary = _VOCABULARY

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for the sum of calls below, INFERENCE for every operation that is no agent's."""
        if flag(record.attributes.get(AGGREGATE)):
            return SpanClass.AGGREGATE
        if any(word in (operation or "") for word in AGGREGATE_WORDS):
            return super().span_class(record, operation)
        return SpanClass.INFERENCE
