"""The attribute keys the SDK wing puts on spans and metrics, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from costspan.semconv import cost_attributes

# What the server puts on the spans it forwards, too.
COST_AMOUNT: Final = cost_attributes.COST_AMOUNT
COST_CURRENCY: Final = cost_attributes.COST_CURRENCY
COST_SOURCE: Final = cost_attributes.COST_SOURCE
COST_USD: Final = cost_attributes.COST_USD
DUPLICATE_OF: Final = cost_attributes.DUPLICATE_OF
ENVIRONMENT: Final = cost_attributes.ENVIRONMENT
FEATURE: Final = cost_attributes.FEATURE
PRICE_STATUS: Final = cost_attributes.PRICE_STATUS
RATE_ID: Final = cost_attributes.RATE_ID
TEAM: Final = cost_attributes.TEAM

# OpenTelemetry's semantic conventions.
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - a token of text
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
ERROR_TYPE: Final = "error.type"

NORMALISED_ERROR_TYPE: Final = "costspan.error_type"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"

# What the conventions have no name for. `costspan.usage.` is followed by a unit of the ledger.
CACHE_WRITE_5M: Final = "costspan.usage.cache_write_5m"
CACHE_WRITE_30M: Final = "costspan.usage.cache_write_30m"
CACHE_WRITE_1H: Final = "costspan.usage.cache_write_1h"
CACHE_WRITE_12H: Final = "costspan.usage.cache_write_12h"
TOOL_USE_TOKENS: Final = "costspan.usage.tool_use_input"
WEB_SEARCHES: Final = "costspan.usage.web_search"
CODE_EXECUTIONS: Final = "costspan.usage.code_execution"
AT_LEAST_OUTPUT: Final = "costspan.usage.lower_bound.output_tokens"
SERVED_TIER: Final = "costspan.served_tier"
ATTEMPT: Final = "costspan.attempt"
OUTCOME: Final = "costspan.outcome"
OUTPUT_SPEED: Final = "costspan.output_tokens_per_second"

USER_ID: Final = "user_id"
SESSION: Final = "session.id"
TAG_PREFIX: Final = "costspan.tag."

OF_DIMENSION: Final[Mapping[str, str]] = MappingProxyType(
    {"feature": FEATURE, "team": TEAM, "user_id": USER_ID, "environment": ENVIRONMENT, "session": SESSION}
)
"""Dimension of `Attribution` -> the key it has on spans, as a label of metrics and in baggage."""
