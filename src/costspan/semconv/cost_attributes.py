"""The attributes that say what a call costs, as the SDK puts them on spans and the server on what it forwards."""

from __future__ import annotations

from typing import Final

COST_USD: Final = "gen_ai.usage.cost_usd"
# Proposed for the GenAI conventions: open-telemetry/semantic-conventions-genai pull request 443.
COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
COST_SOURCE: Final = "gen_ai.usage.cost.source"
PRICE_STATUS: Final = "costspan.price_status"
RATE_ID: Final = "costspan.rate_id"
DUPLICATE_OF: Final = "costspan.duplicate_of"

FEATURE: Final = "feature"
TEAM: Final = "team"
ENVIRONMENT: Final = "deployment.environment.name"
