"""OpenInference (Arize): `llm.*` names on internal spans, attribution in `user.id`, `session.id` and `metadata`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import Call
from costspan.core.record import AttributeValue, Scope, SpanEvent, SpanRecord
from costspan.testing.spans.call import INTERNAL, has_usage, said_only, span_of

_VERSIONS: Final = {"openai": "0.1.66", "anthropic": "3.1.0"}
_NAMES: Final = {"openai": "ChatCompletion", "anthropic": "Messages"}


def openinference(call: Call) -> SpanRecord:
    """Return the span of an OpenInference instrumentation: prompt counts include cached tokens, no response id, no
    service tier outside the raw response, first token as a span event."""
    provider = call.provider or "openai"
    attributes: dict[str, AttributeValue] = {
        "openinference.span.kind": "EMBEDDING" if call.operation == "embeddings" else "LLM",
        "llm.system": provider,
        "llm.provider": provider,
        "llm.request.model_name": call.requested_model,
        "llm.model_name": call.response_model or call.requested_model,
        "llm.response.model_name": call.response_model,
        "llm.finish_reason": call.finish_reason,
    }
    if has_usage(call):
        attributes |= _token_counts(call)
    scope = Scope(f"openinference.instrumentation.{provider}", _VERSIONS.get(provider, "0.1.66"))
    said = said_only(attributes) | _who(call.attribution)
    record = span_of(call, _NAMES.get(provider, "ChatCompletion"), scope, said, kind=INTERNAL)
    return record if not call.time_to_first_chunk_s else _with_first_token(record, call.time_to_first_chunk_s)


def _token_counts(call: Call) -> dict[str, AttributeValue]:
    usage = call.usage
    return {
        "llm.token_count.prompt": usage.context_tokens,
        "llm.token_count.completion": usage.output_tokens,
        "llm.token_count.total": usage.tokens,
        "llm.token_count.prompt_details.cache_read": usage.cache_read_tokens,
        "llm.token_count.prompt_details.cache_write": usage.cache_write_tokens,
        "llm.token_count.completion_details.reasoning": usage.reasoning_tokens,
    }


def _who(who: Attribution) -> dict[str, AttributeValue]:
    metadata = said_only({"feature": who.feature, "team": who.team, **who.tags})
    return said_only(
        {
            "user.id": who.user_id,
            "session.id": who.session,
            "metadata": json.dumps(metadata) if metadata else None,
        }
    )


def _with_first_token(record: SpanRecord, after_s: float) -> SpanRecord:
    event = SpanEvent("First Token Stream Event", record.start_ns + round(after_s * 1e9))
    return replace(record, events=(event,))
