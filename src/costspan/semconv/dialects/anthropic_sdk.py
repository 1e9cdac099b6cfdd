"""The Anthropic SDK's own spans, on by default since its Python release 1.14.

Source: captured from anthropic 2.11.0 (`gen_ai.*` beside `anthropic.*`). The only emitter that keeps the cache's
time to live and the tier. Tokens of context compaction are billed and stand outside the totals.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.record import SpanRecord
from costspan.semconv.attributes import whole_number
from costspan.semconv.conventions import INCLUSIVE, Counts
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI

_COMPACTION_INPUT: Final = "anthropic.usage.compaction.input_tokens"
_COMPACTION_OUTPUT: Final = "anthropic.usage.compaction.output_tokens"


class AnthropicSdk(Dialect):
    """Spans named `anthropic.messages.create` and the like."""

    name = "anthropic_sdk"
    source = "anthropic 2.11.0"
    markers = (b"gen_ai.",)
    scopes = ("com.anthropic.sdk.*",)
    tell_tales: ClassVar = ("anthropic.message.stop_reason", "anthropic.response.service_tier")
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(finish_reason=("anthropic.message.stop_reason",))

    def counts(self, record: SpanRecord) -> Counts:
        """Return the counts with the tokens of compaction, which the totals leave out, added to both sides."""
        counts = super().counts(record)
        more_input = whole_number(record.attributes.get(_COMPACTION_INPUT)) or 0
        more_output = whole_number(record.attributes.get(_COMPACTION_OUTPUT)) or 0
        if more_input <= 0 and more_output <= 0:
            return counts
        return counts._replace(
            input=(counts.input or 0) + max(0, more_input), output=(counts.output or 0) + max(0, more_output)
        )
