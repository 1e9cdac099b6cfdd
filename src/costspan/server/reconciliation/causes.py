"""The causes of drift, in the order in which they are told apart; the order is part of what each amount means."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why the bill is higher (a positive amount) or lower than the ledger."""

    NOT_INSTRUMENTED = "not_instrumented"
    NOT_BILLED = "not_billed"
    BOUNDARY = "boundary"
    MISSING_TRAFFIC = "missing_traffic"
    DUPLICATE_RECORDS = "duplicate_records"
    TOKEN_COUNT = "token_count"  # noqa: S105 - tokens of models
    CACHE_SPLIT = "cache_split"
    TIER_MIX = "tier_mix"
    PRICE_TABLE = "price_table"
    CONTRACT_DISCOUNT = "contract_discount"
    TOOL_FEES = "tool_fees"
    UNMAPPED = "unmapped"
    ROUNDING = "rounding"
    NO_QUANTITIES = "no_quantities"
    UNEXPLAINED = "unexplained"


MEANING: Final = {
    Cause.NOT_INSTRUMENTED: "billed to projects, keys or models of which no telemetry came",
    Cause.NOT_BILLED: "in the ledger, and on no line of this bill",
    Cause.BOUNDARY: "calls the provider counts on another side of the period's edge",
    Cause.MISSING_TRAFFIC: "requests the provider counted and the ledger did not",
    Cause.DUPLICATE_RECORDS: "requests the ledger counted more often than the provider",
    Cause.TOKEN_COUNT: "the same requests with other numbers of tokens",
    Cause.CACHE_SPLIT: "the same input, divided otherwise into uncached, cached and written",
    Cause.TIER_MIX: "the same tokens, billed in another mode (batch, flex, priority)",
    Cause.PRICE_TABLE: "the same tokens at another list price than ours",
    Cause.CONTRACT_DISCOUNT: "billed below or above the list price",
    Cause.TOOL_FEES: "searches, containers and storage, which have no tokens",
    Cause.UNMAPPED: "billed under names that are not known",
    Cause.ROUNDING: "fractions the provider rounds and the ledger does not",
    Cause.NO_QUANTITIES: "billed in amounts alone, without the quantities that would tell why",
    Cause.UNEXPLAINED: "what is left",
}

NEXT_STEP: Final = {
    Cause.NOT_INSTRUMENTED: "send telemetry from the projects and keys listed below, or take them off this bill",
    Cause.NOT_BILLED: "another account may have paid: give those calls another provider with attribution or mappings",
    Cause.BOUNDARY: "nothing to do: the provider's day or clock differs, and the next period takes it up",
    Cause.MISSING_TRAFFIC: "look for spans that are sampled, dropped at exit or not exported: costspan doctor",
    Cause.DUPLICATE_RECORDS: "two instrumentations or exporters send the same calls: costspan doctor, costspan trace",
    Cause.TOKEN_COUNT: "look at gen_ai.usage.input_tokens and output_tokens of these models: streams without usage, "
    "reasoning left out, a counting convention that differs",
    Cause.CACHE_SPLIT: "the emitter leaves out gen_ai.usage.cache_read.input_tokens or cache_creation.input_tokens",
    Cause.TIER_MIX: "the emitter does not say the served tier: openai.response.service_tier, or a batch recorded as "
    "single calls; set the mode with mappings",
    Cause.PRICE_TABLE: "look at the proposed prices, then costspan reprice --dry-run",
    Cause.CONTRACT_DISCOUNT: "put your contract into prices: of costspan.yaml, then costspan reprice --dry-run",
    Cause.TOOL_FEES: "record the fee's unit (web_search, code_execution), or budget for it beside the ledger",
    Cause.UNMAPPED: "tell us the names below, so that they can be read",
    Cause.ROUNDING: "nothing to do",
    Cause.NO_QUANTITIES: "take a bill that says tokens or requests beside the amounts of these models",
    Cause.UNEXPLAINED: "compare a day of this model by hand: costspan calls --where model:NAME",
}
