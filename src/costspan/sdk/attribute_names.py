"""The attribute keys the SDK wing puts on spans and metrics, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# OpenTelemetry's semantic conventions.
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - a token of text
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
ERROR_TYPE: Final = "error.type"

COST_USD: Final = "gen_ai.usage.cost_usd"
# Proposed for the GenAI conventions: open-telemetry/semantic-conventions-genai pull request 443.
COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
COST_SOURCE: Final = "gen_ai.usage.cost.source"
PRICE_STATUS: Final = "costspan.price_status"
RATE_ID: Final = "costspan.rate_id"

FEATURE: Final = "feature"
TEAM: Final = "team"
USER_ID: Final = "user_id"
ENVIRONMENT: Final = "deployment.environment.name"
SESSION: Final = "session.id"
TAG_PREFIX: Final = "costspan.tag."

OF_DIMENSION: Final[Mapping[str, str]] = MappingProxyType(
    {"feature": FEATURE, "team": TEAM, "user_id": USER_ID, "environment": ENVIRONMENT, "session": SESSION}
)
"""Dimension of `Attribution` -> the key it has on spans, as a label of metrics and in baggage."""
