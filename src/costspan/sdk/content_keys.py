"""Which attributes hold what was asked and answered, by the names that 34 emitters give them.

Sources: semantic-conventions-genai (opt-in attributes, events up to 1.36), OpenInference's and OpenLLMetry's semantic
conventions, and the telemetry documentation of the AI SDK, Langfuse, MLflow, Genkit, ADK, LiveKit, Laminar, Sentry,
LiteLLM, Pydantic AI, Haystack and Spring AI, as of 2026-11.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_LISTED: Final = """
gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.tool.definitions
gen_ai.tool.call.arguments gen_ai.tool.call.result gen_ai.retrieval.query.text gen_ai.retrieval.documents
gen_ai.prompt gen_ai.completion gen_ai.evaluation.explanation gen_ai.event.content
gen_ai.request.messages gen_ai.request.available_tools gen_ai.response.text gen_ai.response.object
gen_ai.response.tool_calls gen_ai.tool.input gen_ai.tool.output gen_ai.embeddings.input
input.value output.value embedding.text embedding.vector reranker.query tool.parameters
traceloop.entity.input traceloop.entity.output
ai.prompt ai.response.text ai.response.object ai.response.toolCalls ai.response.reasoning ai.response.files
ai.toolCall.args ai.toolCall.result ai.value ai.values ai.embedding ai.embeddings ai.input ai.result.text
ai.result.object ai.result.toolCalls
langfuse.observation.input langfuse.observation.output langfuse.trace.input langfuse.trace.output
mlflow.spanInputs mlflow.spanOutputs mlflow.chat.messages mlflow.chat.tools
genkit:input genkit:output
gcp.vertex.agent.llm_request gcp.vertex.agent.llm_response gcp.vertex.agent.tool_call_args
gcp.vertex.agent.tool_response gcp.vertex.agent.data
lk.user_input lk.user_transcript lk.instructions lk.chat_ctx lk.input_text lk.response.text
lk.response.function_calls lk.function_tool.arguments lk.function_tool.output lk.function_tools
lmnr.span.input lmnr.span.output
pydantic_ai.all_messages all_messages_events final_result model_request_parameters tool_arguments tool_response
request_data response_data
haystack.component.input haystack.component.output
spring.ai.chat.client.user.text spring.ai.chat.client.system.text
"""
_KEYS: Final = frozenset(_LISTED.split())
_PREFIXES: Final = (
    "gen_ai.content.",
    "gen_ai.prompt.variable.",
    "gcp.gen_ai.operation.config.system_instruction",
    "gcp.gen_ai.operation.config.tools",
    "gcp.gen_ai.operation.config.response_schema",
    "gcp.gen_ai.operation.config.response_json_schema",
    "llm.input_messages.",
    "llm.output_messages.",
    "llm.prompts.",
    "llm.completions.",
    "llm.choices.",
    "llm.prompt_template.",
    "llm.tools.",
    "embedding.embeddings.",
    "retrieval.documents.",
    "reranker.input_documents.",
    "reranker.output_documents.",
    "traceloop.prompt.",
    "ai.prompt.",
)
_NUMBERED: Final = re.compile(r"gen_ai\.(?:prompt|completion)\.\d+\.(?!role$|finish_reason$)")
_WRAPPED: Final = re.compile(
    r"llm\.(?:.+\.)?(?:messages|choices|prompts?|completions?|input|output|content|response|functions|tools|text)"
)
"""LiteLLM puts each argument and field of the answer under `llm.PROVIDER.`; hand-written wrappers under `llm.`."""

_CONTENT_EVENTS: Final = re.compile(
    r"gen_ai\.(?:content\.\w+|\w+\.message|choice|client\.inference\.operation\.details)"
)
_EVENT_KEYS: Final = frozenset(("content", "message", "tool_calls", "tool.result", "body", "event_body", "parts"))


@lru_cache(maxsize=4096)
def is_content(key: str) -> bool:
    """Return True for an attribute that holds what was asked or answered."""
    if key in _KEYS or key.startswith(_PREFIXES):
        return True
    return bool(_NUMBERED.match(key) or _WRAPPED.fullmatch(key))


def is_event_content(event_name: str, key: str) -> bool:
    """Return True for an attribute of a span event that holds what was asked or answered."""
    return is_content(key) or (key in _EVENT_KEYS and bool(_CONTENT_EVENTS.fullmatch(event_name)))
