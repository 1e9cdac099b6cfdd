"""One body of each dialect through the real server, against money worked out by hand.

Prices are those published on 2026-11-01, in dollars per million tokens:
gpt-4.1 2 / cached 0.50 / 8; gpt-4o 2.50 / 10; gpt-4o-mini 0.15 / cached 0.075 / 0.60; o3 2 / cached 0.50 / 8.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from bodies import as_json, protobuf, span
from serving import JSON, Server


@dataclass(frozen=True, slots=True)
class Case:
    """What an emitter sends, from which scope, and what it cost."""

    scope: str
    version: str
    attributes: dict[str, Any]
    model: str
    tokens: tuple[int, int, int, int]
    """Uncached input, cached input, output, and the reasoning in it."""
    cost_usd: str


CASES = {
    # 600 x 2 + 2,000 x 0.50 + 300 x 8 = 4,600
    "otel_genai": Case(
        "opentelemetry.instrumentation.genai.openai", "1.3b0",
        {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1",
            "gen_ai.response.model": "gpt-4.1-2025-04-14", "gen_ai.response.id": "chatcmpl-corpus-1",
            "gen_ai.usage.input_tokens": 2600, "gen_ai.usage.output_tokens": 300,
            "gen_ai.usage.cache_read.input_tokens": 2000, "gen_ai.usage.reasoning.output_tokens": 200,
        },
        "gpt-4.1", (600, 2000, 300, 200), "0.0046",
    ),
    # 1,000 x 2.50 + 100 x 10 = 3,500
    "otel_genai_legacy": Case(
        "opentelemetry.instrumentation.openai_v2", "2.4b0",
        {
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100, "gen_ai.openai.response.service_tier": "default",
        },
        "gpt-4o", (1000, 0, 100, 0), "0.0035",
    ),
    # 600 x 0.15 + 2,000 x 0.075 + 300 x 0.60 = 420
    "openllmetry": Case(
        "opentelemetry.instrumentation.openai.v1", "0.62.4",
        {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.usage.input_tokens": "2600",
            "gen_ai.usage.output_tokens": 300, "gen_ai.usage.total_tokens": 2900,
            "gen_ai.usage.cache_read.input_tokens": 2000,
        },
        "gpt-4o-mini", (600, 2000, 300, 0), "0.00042",
    ),
    # 600 x 2 + 400 x 0.50 + 500 x 8 = 5,400
    "openinference": Case(
        "openinference.instrumentation.openai", "0.1.66",
        {
            "openinference.span.kind": "LLM", "llm.system": "openai", "llm.model_name": "o3-2025-04-16",
            "llm.invocation_parameters": json.dumps({"model": "o3"}), "llm.token_count.prompt": 1000,
            "llm.token_count.completion": 500, "llm.token_count.total": 1500,
            "llm.token_count.prompt_details.cache_read": 400, "llm.token_count.completion_details.reasoning": 300,
        },
        "o3", (600, 400, 500, 300), "0.0054",
    ),
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("dialect", CASES)
def test_a_dialect_costs_what_the_provider_bills(shared_server: Server, dialect: str, encoding: str) -> None:
    case, service = CASES[dialect], f"{dialect} {encoding}"
    where = {"service": service, "scope": case.scope, "version": case.version}
    # The two encodings are two calls, so each has a response id of its own.
    own_id = {key: f"{value}-{encoding}" for key, value in case.attributes.items() if key == "gen_ai.response.id"}
    spans = [span({**case.attributes, **own_id})]
    sent = protobuf(spans, **where) if encoding == "protobuf" else as_json(spans, **where)
    answer = shared_server.send(sent, JSON) if encoding == "json" else shared_server.send(sent)
    assert answer.status == 200
    [row] = shared_server.spend(filter=f"service:{service}", group_by="model,dialect,price_status")["rows"]
    assert (row["model"], row["dialect"], row["price_status"]) == (case.model, dialect, "priced")
    assert (row["cost_usd"], row["list_cost_usd"], row["calls"]) == (case.cost_usd, case.cost_usd, 1)
    tokens = tuple(row[f"{name}_tokens"] for name in ("input", "cache_read", "output", "reasoning"))
    assert tokens == case.tokens


def test_a_mixed_ledger_sums_to_the_pico_dollar(server: Server) -> None:
    for case in CASES.values():
        assert server.send(protobuf([span(case.attributes)], scope=case.scope, version=case.version)).status == 200
    document = server.spend(group_by="dialect")
    assert document["total"]["cost_usd"] == "0.01392"
    assert {row["dialect"]: row["cost_usd"] for row in document["rows"]} == {
        "otel_genai": "0.0046", "otel_genai_legacy": "0.0035", "openllmetry": "0.00042", "openinference": "0.0054",
    }  # fmt: skip
    assert document["completeness"]["share_priced"] == 1
