"""A provider's own usage object, as instrumentations keep it: the one place that knows the shapes of raw answers.

Most emitters copy a handful of counts and drop what changes the price: the cache's time to live, the tier, web
searches. Where the raw answer is on the span as well, it is read here, with the provider's own counting convention.
Sources: the API references of OpenAI, Anthropic, Gemini, Bedrock Converse, Cohere and OpenRouter as of 2026-11, and
LangChain's `usage_metadata`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from costspan.core.record import Attributes, AttributeValue
from costspan.semconv.attributes import at, json_object, number, text, whole_number
from costspan.semconv.conventions import CACHE_APART, INCLUSIVE, Convention, Counts


@dataclass(frozen=True, slots=True)
class RawUsage:
    """What a provider's usage object says. `mode` is the tier as sent; `cost_usd` what the provider itself charged."""

    counts: Counts
    convention: Convention
    mode: str | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider's answer says of itself."""

    usage: RawUsage | None = None
    response_id: str | None = None
    model: str | None = None
    mode: str | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Shape:
    """One provider's usage object: known by having any of `signs`; `paths` lead to the counts."""

    signs: tuple[str, ...]
    convention: Convention
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_ANTHROPIC_TTL: Final[Mapping[str, tuple[str, ...]]] = {
    "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens", "cacheCreation.ephemeral5mInputTokens"),
    "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens", "cacheCreation.ephemeral1hInputTokens"),
    "web_search": ("server_tool_use.web_search_requests",),
    "code_execution": ("server_tool_use.code_execution_requests",),
}

_SHAPES: Final = (
    _Shape(
        ("promptTokenCount", "prompt_token_count"),
        Convention(True, False),
        {
            "input": ("promptTokenCount", "prompt_token_count"),
            "output": ("candidatesTokenCount", "candidates_token_count", "responseTokenCount", "response_token_count"),
            "total": ("totalTokenCount", "total_token_count"),
            "cache_read": ("cachedContentTokenCount", "cached_content_token_count"),
            "reasoning": ("thoughtsTokenCount", "thoughts_token_count"),
            "tool_use_input": ("toolUsePromptTokenCount", "tool_use_prompt_token_count"),
        },
    ),
    _Shape(
        ("billed_units", "billedUnits"),
        INCLUSIVE,
        {
            "input": ("billed_units.input_tokens", "billedUnits.inputTokens"),
            "output": ("billed_units.output_tokens", "billedUnits.outputTokens"),
            "request": ("billed_units.search_units", "billedUnits.searchUnits"),
        },
    ),
    _Shape(
        ("input_token_details", "output_token_details"),
        INCLUSIVE,
        {
            "input": ("input_tokens",),
            "output": ("output_tokens",),
            "total": ("total_tokens",),
            "cache_read": ("input_token_details.cache_read",),
            "cache_write": ("input_token_details.cache_creation",),
            "cache_write_5m": ("input_token_details.ephemeral_5m_input_tokens",),
            "cache_write_1h": ("input_token_details.ephemeral_1h_input_tokens",),
            "reasoning": ("output_token_details.reasoning",),
            "input_audio": ("input_token_details.audio",),
            "output_audio": ("output_token_details.audio",),
        },
    ),
    _Shape(
        ("prompt_tokens", "completion_tokens"),
        INCLUSIVE,
        {
            "input": ("prompt_tokens",),
            "output": ("completion_tokens",),
            "total": ("total_tokens",),
            "cache_read": ("prompt_tokens_details.cached_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens"),
            "cache_write": (
                "prompt_tokens_details.cache_write_tokens",
                "prompt_tokens_details.cache_creation_tokens",
                "cache_creation_input_tokens",
            ),
            "cache_write_5m": ("prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",),
            "cache_write_1h": ("prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",),
            "reasoning": ("completion_tokens_details.reasoning_tokens",),
            "input_audio": ("prompt_tokens_details.audio_tokens",),
            "output_audio": ("completion_tokens_details.audio_tokens",),
            "web_search": ("server_tool_use.web_search_requests", "prompt_tokens_details.web_search_requests"),
        },
    ),
    _Shape(
        (
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation",
            "server_tool_use",
            "inference_geo",
        ),
        CACHE_APART,
        {
            "input": ("input_tokens",),
            "output": ("output_tokens",),
            "cache_read": ("cache_read_input_tokens",),
            "cache_write": ("cache_creation_input_tokens",),
            "reasoning": ("output_tokens_details.thinking_tokens",),
            **_ANTHROPIC_TTL,
        },
    ),
    _Shape(
        ("cacheReadInputTokens", "cacheWriteInputTokens", "cacheDetails"),
        CACHE_APART,
        {
            "input": ("inputTokens",),
            "output": ("outputTokens",),
            "total": ("totalTokens",),
            "cache_read": ("cacheReadInputTokens",),
            "cache_write": ("cacheWriteInputTokens",),
        },
    ),
    _Shape(
        ("input_tokens", "output_tokens"),
        INCLUSIVE,
        {
            "input": ("input_tokens",),
            "output": ("output_tokens",),
            "total": ("total_tokens",),
            "cache_read": ("input_tokens_details.cached_tokens",),
            "cache_write": ("input_tokens_details.cache_write_tokens",),
            "cache_write_30m": ("input_tokens_details.cache_write_tokens_details.ttl_30m_tokens",),
            "cache_write_12h": ("input_tokens_details.cache_write_tokens_details.ttl_12h_tokens",),
            "reasoning": ("output_tokens_details.reasoning_tokens",),
        },
    ),
    _Shape(("inputTokens", "outputTokens"), INCLUSIVE, {"input": ("inputTokens",), "output": ("outputTokens",)}),
)
"""Order matters: a shape is tried only when none above it has a sign in the object."""

_MODES: Final = ("service_tier", "serviceTier.type", "serviceTier", "trafficType", "traffic_type")
_BEDROCK_TTL: Final = {"5m": "cache_write_5m", "1h": "cache_write_1h"}
_MODALITIES: Final = {
    "input_audio": ("promptTokensDetails", "prompt_tokens_details"),
    "cache_read_audio": ("cacheTokensDetails", "cache_tokens_details"),
    "output_audio": ("candidatesTokensDetails", "candidates_tokens_details"),
}
_FINISH: Final = (
    "choices.0.finish_reason",
    "candidates.0.finishReason",
    "candidates.0.finish_reason",
    "stop_reason",
    "stopReason",
    "incomplete_details.reason",
    "finish_reason",
    "status",
)
_USAGE_KEYS: Final = ("usage", "token_usage", "usageMetadata", "usage_metadata", "meta")
_IDS: Final = ("id", "responseId", "response_id")
_MODELS: Final = ("model", "modelVersion", "model_name", "model_version")
_NAMES: Final = frozenset((*_IDS, *_MODELS))
_TIERS: Final = tuple(dict.fromkeys(path.partition(".")[0] for path in _MODES))
_AROUND: Final = (
    "response",
    "llm_output",
    "response_metadata",
    "data",
    "generations",
    "message",
    "kwargs",
    "custom",
    "raw",
)
"""Where frameworks put the provider's answer; Genkit's plugins use the last two."""


def read_usage(usage: Attributes) -> RawUsage | None:
    """Return what a usage object says, or None for an object of no known shape."""
    shape = next((one for one in _SHAPES if any(usage.get(sign) is not None for sign in one.signs)), None)
    if shape is None:
        return None
    found: dict[str, int] = {}
    for name, paths in shape.paths.items():
        for path in paths:
            if (count := whole_number(at(usage, path))) is not None:
                found[name] = count
                break
    found.update(_bedrock_times_to_live(usage))
    found.update(_gemini_audio(usage))
    if not found:
        return None
    mode = "fast" if text(usage.get("speed")) == "fast" else _first_text(usage, _MODES)
    return RawUsage(Counts(**found), shape.convention, mode, number(usage.get("cost")))


def read_answer(document: object) -> Answer | None:
    """Return what a whole answer says: an API's response object, or LangChain's wrapping of one."""
    if not isinstance(document, dict):
        return None
    answers, wrappings = _parts(document)
    usage = response_id = model = mode = finish = None
    for part in answers:
        response_id = response_id or _provider_id(next((part[key] for key in _IDS if part.get(key)), None))
        model = model or _first_text(part, _MODELS)
        mode = mode or _first_text(part, _MODES)
        finish = finish or _first_text(part, _FINISH)
    for part in answers + wrappings:
        candidates = (json_object(part.get(key)) for key in _USAGE_KEYS)
        usage = usage or next((read for one in candidates if one and (read := read_usage(one)) is not None), None)
    if usage is None and response_id is None:
        return None
    return Answer(usage, response_id, model, (usage.mode if usage else None) or mode, finish)


def billing_part(document: object) -> object:
    """Return what `read_answer` reads of an answer, and nothing of what was asked or answered."""
    if isinstance(document, list | tuple):
        return [billing_part(item) for item in document]
    if not isinstance(document, dict):
        return None
    named = {key: value for key, value in document.items() if key in _NAMES and isinstance(value, str)}
    tiers = {key: document[key] for key in _TIERS if isinstance(document.get(key), str | dict)}
    usages = {key: document[key] for key in _USAGE_KEYS if isinstance(document.get(key), dict)}
    around = {key: billing_part(document[key]) for key in _AROUND if isinstance(document.get(key), dict | list | tuple)}
    return named | tiers | usages | around


def _parts(document: Attributes) -> tuple[list[Attributes], list[Attributes]]:
    """Return the places that speak for the provider, and a framework's wrappings, which may hold usage but no id.

    LangChain's `LLMResult` has `llm_output` and `generations[0][0].message.kwargs.response_metadata`; its message has
    `data.response_metadata`.
    """
    message = at(document, "generations.0.0.message")
    message = message if isinstance(message, dict) else at(document, "generations.0.message")
    answers = [
        document,
        document.get("response"),
        document.get("llm_output"),
        document.get("response_metadata"),
        at(document, "data.response_metadata"),
        at(message, "kwargs.response_metadata"),
        at(message, "response_metadata"),
    ]
    wrappings = [at(document, "data"), at(message, "kwargs"), message]
    return [part for part in answers if isinstance(part, dict)], [part for part in wrappings if isinstance(part, dict)]


def _provider_id(value: object) -> str | None:
    """Return an id a provider gave; frameworks number their own runs (`run-`, `lc_run-`), constructors list a path."""
    said = text(value) if isinstance(value, str) else None
    return None if said is None or said.startswith(("run-", "lc_run", "run--", "lc_")) else said


def _first_text(document: Attributes, paths: tuple[str, ...]) -> str | None:
    return next((said for path in paths if (said := text(at(document, path))) is not None), None)


def _gemini_audio(usage: Attributes) -> dict[str, int]:
    """Return the audio parts of Gemini's per-modality lists, which other shapes do not have as lists."""
    found: dict[str, int] = {}
    for name, keys in _MODALITIES.items():
        details = next((usage[key] for key in keys if isinstance(usage.get(key), list | tuple)), ())
        for detail in details if isinstance(details, list | tuple) else ():
            tokens = whole_number(_first_at(detail, ("tokenCount", "token_count")))
            if str(at(detail, "modality")).rpartition(".")[2] == "AUDIO" and tokens is not None:
                found[name] = found.get(name, 0) + tokens
    return found


def _first_at(document: object, paths: tuple[str, ...]) -> AttributeValue:
    """Return the first thing that stands at one of the paths."""
    return next((found for path in paths if (found := at(document, path)) is not None), None)


def _bedrock_times_to_live(usage: Attributes) -> dict[str, int]:
    details = usage.get("cacheDetails")
    found: dict[str, int] = {}
    for detail in details if isinstance(details, list | tuple) else ():
        name = _BEDROCK_TTL.get(str(at(detail, "ttl")))
        tokens = whole_number(at(detail, "inputTokens"))
        if name is not None and tokens is not None:
            found[name] = found.get(name, 0) + tokens
    return found
