"""The attribute keys the SDK wing puts on spans, and where each comes from."""

from __future__ import annotations

from typing import Final

COST_USD: Final = "gen_ai.usage.cost_usd"
# Proposed for the GenAI conventions: open-telemetry/semantic-conventions-genai pull request 443.
COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
COST_SOURCE: Final = "gen_ai.usage.cost.source"
PRICE_STATUS: Final = "costspan.price_status"
RATE_ID: Final = "costspan.rate_id"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"

FEATURE: Final = "feature"
TEAM: Final = "team"
USER_ID: Final = "user_id"
ENVIRONMENT: Final = "deployment.environment.name"
SESSION: Final = "session.id"
TAG_PREFIX: Final = "costspan.tag."
