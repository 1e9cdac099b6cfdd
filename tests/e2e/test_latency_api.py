"""`/api/v1/latency`: quantiles by operation and model, of calls whose durations are known."""

from __future__ import annotations

from collections.abc import Callable

from bodies import MILLISECOND, PLAIN_CALL, START_NS, protobuf, span
from serving import Server

PERIOD = "since=2026-11-01&until=2026-11-02"


def lasting(ms: int, **more: object) -> object:
    attributes = {**PLAIN_CALL, "gen_ai.response.time_to_first_chunk": ms / 4000, **more}
    return span(attributes, end_time_unix_nano=START_NS + ms * MILLISECOND)


def test_groups_have_their_quantiles_and_their_errors(start_server: Callable[..., Server]) -> None:
    server = start_server()
    slow = [lasting(ms) for ms in (100, 200, 300, 400, 1000)]
    failed = span({
        "gen_ai.operation.name": "embeddings", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "text-embedding-3-small", "error.type": "timeout",
    })  # fmt: skip
    assert server.send(protobuf([*slow, failed])).status == 200

    found = server.get(f"/api/v1/latency?{PERIOD}").document
    [chat, embeddings] = found["rows"]

    assert found["group_by"] == ["operation", "model"]
    assert (chat["operation"], chat["model"], chat["calls"], chat["errors"]) == ("chat", "gpt-4o-mini", 5, 0)
    assert (chat["latency_ms"]["p50"], chat["ttft_ms"]["p50"]) == (300, 75)
    assert 800 < chat["latency_ms"]["p99"] <= 1000
    assert (embeddings["calls"], embeddings["errors"], embeddings["error_rate"]) == (1, 1, 1.0)
    assert (found["total"]["calls"], found["total"]["errors"]) == (6, 1)


def test_a_question_is_asked_as_spend_is(start_server: Callable[..., Server]) -> None:
    server = start_server()
    assert server.send(protobuf([lasting(100, feature="search"), lasting(200)])).status == 200

    by_feature = server.get(f"/api/v1/latency?{PERIOD}&group_by=feature&interval=1d&filter=feature:search").document
    refused = server.get("/api/v1/latency?group_by=colour")

    assert [(row["feature"], row["start"], row["calls"]) for row in by_feature["rows"]] == [
        ("search", "2026-11-01T00:00:00Z", 1)
    ]
    assert refused.status == 400
    assert "unknown key 'colour'" in refused.document["detail"]
