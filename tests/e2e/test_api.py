"""The API of a real server: the spend document key by key, questions without sense, the documents beside it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from bodies import MILLISECOND, PLAIN_CALL, START_NS, protobuf, span
from serving import Server

HOUR_NS = 3600 * 1000 * MILLISECOND
MEASURES = {
    "cost_usd", "list_cost_usd", "calls", "billed_calls", "errors", "retries", "truncated", "unpriced_calls",
    "partial_calls", "usage_missing_calls", "duplicate_calls", "duplicate_cost_usd", "input_tokens",
    "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "input_cost_usd",
    "output_cost_usd", "cache_savings_usd", "estimated_cost_usd", "latency_ms", "ttft_ms",
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(shared_server: Server) -> Server:
    """A ledger of three searches of team a, one chat of team b an hour later, one unknown model, one failure."""
    search = {**PLAIN_CALL, "feature": "search", "team": "a", "costspan.tag.plan": "pro"}
    chat = {**PLAIN_CALL, "feature": "chat", "team": "b", "gen_ai.response.finish_reasons": ["length"]}
    later = {"start_time_unix_nano": START_NS + HOUR_NS, "end_time_unix_nano": START_NS + HOUR_NS + 500 * MILLISECOND}
    unknown = {**PLAIN_CALL, "gen_ai.request.model": "nobody-sells-this", "gen_ai.usage.output_tokens": 7}
    failed = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "error.type": "openai.RateLimitError"}
    spans = [span(search), span(search), span(search), span(chat, **later), span(unknown), span(failed)]
    assert shared_server.send(protobuf(spans)).status == 200
    return shared_server


def problem_of(server: Server, query: str) -> str:
    """Return the detail of a question that must be refused."""
    answer = server.get(f"/api/v1/spend?{query}")
    assert answer.status == 400, answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.document) == {"type", "title", "status", "detail"}
    assert answer.document["status"] == 400
    assert "Traceback" not in server.errors()
    return answer.document["detail"]


def test_the_spend_document_has_every_key_of_the_contract(filled: Server) -> None:
    document = filled.spend(group_by="model", since="2026-11-01", until="2026-11-01")
    assert set(document) == {
        "since",
        "until",
        "interval",
        "tz",
        "currency",
        "group_by",
        "rows",
        "total",
        "completeness",
    }
    assert document["since"] == "2026-11-01T00:00:00Z"
    assert document["until"] == "2026-11-02T00:00:00Z"
    assert (document["interval"], document["currency"], document["group_by"]) == ("total", "USD", ["model"])
    assert set(document["total"]) >= MEASURES
    assert all(set(row) >= MEASURES | {"model"} for row in document["rows"])
    assert [row["model"] for row in document["rows"]] == ["gpt-4o-mini", "nobody-sells-this", None]
    assert set(document["completeness"]) == {
        "priced_calls", "unpriced_calls", "unpriced_tokens", "share_priced", "sampling_unknown_calls", "keys_since",
    }  # fmt: skip


def test_every_measure_says_what_was_sent(filled: Server) -> None:
    document = filled.spend()
    total = document["total"]
    assert {name: total[name] for name in ("calls", "billed_calls", "unpriced_calls", "errors", "truncated")} == {
        "calls": 6, "billed_calls": 4, "unpriced_calls": 1, "errors": 1, "truncated": 1,
    }  # fmt: skip
    assert (total["cost_usd"], total["list_cost_usd"]) == ("0.00084", "0.00084")
    assert (total["input_cost_usd"], total["output_cost_usd"]) == ("0.0006", "0.00024")
    assert (total["input_tokens"], total["output_tokens"]) == (5000, 407)
    assert (total["duplicate_cost_usd"], total["estimated_cost_usd"], total["ttft_ms"]) == (None, None, None)
    assert total["latency_ms"] == {"p50": 800, "p95": 800, "p99": 800}
    assert document["completeness"] == {
        "priced_calls": 4, "unpriced_calls": 1, "unpriced_tokens": 1007, "share_priced": 0.8,
        "sampling_unknown_calls": 6, "keys_since": None,
    }  # fmt: skip


def test_the_named_measures_are_answered_and_no_other(filled: Server) -> None:
    whole = filled.spend(group_by="feature")
    asked = filled.spend(group_by="feature", measures="calls,cost_usd,latency_ms")
    assert [set(row) for row in asked["rows"]] == [{"feature", "calls", "cost_usd", "latency_ms"}] * len(whole["rows"])
    for row, full in zip([*asked["rows"], asked["total"]], [*whole["rows"], whole["total"]], strict=True):
        assert row.items() <= full.items()
    assert asked["completeness"] == whole["completeness"]


def test_unknown_money_is_null_and_never_zero(filled: Server) -> None:
    total = filled.spend(filter="model:nobody-sells-this")["total"]
    assert (total["calls"], total["cost_usd"], total["list_cost_usd"], total["input_cost_usd"]) == (1, None, None, None)


def test_time_buckets_are_hours_or_days_in_utc(filled: Server) -> None:
    hours = filled.spend(interval="1h", filter="model:gpt-4o-mini")["rows"]
    assert [(row["start"], row["cost_usd"]) for row in hours] == [
        ("2026-11-01T12:00:00Z", "0.00063"),
        ("2026-11-01T13:00:00Z", "0.00021"),
    ]
    days = filled.spend(interval="1d", group_by="team", filter="model:gpt-4o-mini")["rows"]
    assert [(row["start"], row["team"], row["calls"]) for row in days] == [
        ("2026-11-01T00:00:00Z", "a", 3),
        ("2026-11-01T00:00:00Z", "b", 1),
    ]


@pytest.mark.parametrize(
    ("filters", "calls"),
    [
        (["team:a"], 3),
        (["team:a", "team:b"], 4),
        (["team:a", "feature:chat"], 0),
        (["team:!a"], 3),
        (["team:"], 2),
        (["team:!"], 4),
        (["tag.plan:pro"], 3),
        (["tag.plan:!pro"], 3),
        (["tag.it's \"]:x"], 0),
        (["tag.a\0b:x"], 0),
        (["team:a\0"], 0),
        (["team:' OR 1=1 --"], 0),
        (["env:"], 6),
        (["attempt:1"], 6),
        (["price_status:priced"], 4),
        (["error_type:rate_limit"], 1),
        (["finish_reason:length"], 1),
        (["user:"], 6),
    ],
)
def test_filters_on_one_key_are_alternatives_and_on_several_all_hold(filled, filters, calls) -> None:
    assert filled.spend(filter=filters)["total"]["calls"] == calls


def test_the_period_is_half_open_and_a_month_as_until_includes_it(filled: Server) -> None:
    def calls(since: str, until: str) -> int:
        return filled.spend(since=since, until=until)["total"]["calls"]

    assert calls("2026-11", "2026-11") == 6
    assert calls("2026-10", "2026-10") == 0
    assert calls("2026-11-01T12:00:00Z", "2026-11-01T13:00:00Z") == 5
    assert calls("2026-11-01T14:00:00+01:00", "2026-11-01T13:00:00.000001Z") == 1
    assert calls("2026-11-01T13:00:00", "2026-11-01T13:00:00") == 0


def test_limit_keeps_the_top_groups_and_the_total_stays_whole(filled: Server) -> None:
    document = filled.spend(group_by="team", limit=1, filter="model:gpt-4o-mini")
    assert [row["team"] for row in document["rows"]] == ["a"]
    assert document["total"]["calls"] == 4


@pytest.mark.parametrize(
    ("order", "teams"),
    [("-cost_usd", ["a", "b"]), ("cost_usd", ["b", "a"]), ("-calls", ["a", "b"]), ("calls", ["b", "a"])],
)
def test_order_is_by_a_measure_and_a_minus_puts_the_largest_first(filled, order, teams) -> None:
    rows = filled.spend(group_by="team", order=order, filter="model:gpt-4o-mini")["rows"]
    assert [row["team"] for row in rows] == teams


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("group_by=modle", ["modle", "model", "feature", "tag.NAME"]),
        ("group_by=tag.", ["tag."]),
        ("filter=modle:x", ["modle", "environment"]),
        ("filter=team", ["team", "key:value"]),
        ("interval=5m", ["5m", "1h", "1d", "total"]),
        ("limit=0", ["0"]),
        ("limit=-1", ["-1"]),
        ("limit=ten", ["ten"]),
        ("limit=1.5", ["1.5"]),
        ("order=beauty", ["beauty", "cost"]),
        ("order=latency_ms", ["latency_ms"]),
        ("since=yesterday", ["yesterday", "7d"]),
        ("since=2026-13", ["2026-13"]),
        ("since=2026-11-02&until=2026-11-01T00:00:00Z", ["after"]),
        ("since=999999w", ["999999w"]),
        ("since=0001-01-01T00:00:00%2B14:00", ["0001-01-01"]),
        ("until=9999-12", ["9999-12"]),
        ("until=9999-12-31", ["9999-12-31"]),
        ("since=0000-01", ["0000-01"]),
        ("limit=1" + "0" * 30, ["1000000000", "999999"]),
        ("limit=" + "9" * 5000, ["limit"]),
        ("colour=red", ["colour", "group_by"]),
        ("measures=beauty", ["beauty", "cost_usd", "latency_ms"]),
        ("measures=", ["calls"]),
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem_that_says_what_does(filled, query, words) -> None:
    detail = problem_of(filled, query)
    assert all(word in detail for word in words), detail


def test_health_is_answered_without_asking_the_ledger_to_speak(filled: Server) -> None:
    for path in ("/healthz", "/readyz"):
        answer = filled.get(path)
        assert answer.status == 200
        assert (answer.document["service"], answer.document["status"]) == ("costspan", "ok")


def test_the_prices_in_use_are_named(filled: Server) -> None:
    document = filled.get("/api/v1/prices").document
    assert document["version"].startswith("sha256:")
    assert {"openai", "anthropic"} <= set(document["providers"])


def test_the_counters_add_up(filled: Server) -> None:
    counts = filled.ingest()
    refused = sum(counts["refused"].values())
    assert counts["received_spans"] == counts["new_calls"] + counts["retransmitted"] + counts["other_spans"] + refused
    assert counts["calls"] == counts["new_calls"] == 6
    assert counts["dialects"] == {"otel_genai": 6}


def test_openapi_describes_the_spend_document(filled: Server) -> None:
    document = filled.get("/openapi.json").document
    assert document["openapi"].startswith("3.")
    operation = document["paths"]["/api/v1/spend"]["get"]
    reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    model = document["components"]["schemas"][reference.rpartition("/")[2]]
    assert set(model["properties"]) >= {"rows", "total", "completeness"}
    assert {p["name"] for p in operation["parameters"]} == {
        "group_by", "since", "until", "interval", "tz", "filter", "order", "limit", "measures",
        "format",
    }  # fmt: skip
    assert "400" in operation["responses"]
    for path, operations in document["paths"].items():
        asked = [p["name"] for p in operations.get("get", {}).get("parameters", []) if p["required"]]
        if "get" in operations and not asked and path != "/api/v1/live":
            assert filled.get(path).status == 200, path


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api", "/v1/nothing", "/api/v1/" + quote("ü%2f\0")])
def test_a_path_that_is_not_there_is_a_problem(filled: Server, path: str) -> None:
    answer = filled.get(path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_rate_in_use_is_listed_with_its_layer_and_source(filled: Server) -> None:
    rates = filled.get("/api/v1/prices/rates?provider=anthropic&model=sonnet-4-6").document["rates"]
    refused = filled.get("/api/v1/prices/rates?provider=acme")

    assert {rate["model"] for rate in rates} >= {"claude-sonnet-4-6"}
    assert all(rate["provider"] == "anthropic" and rate["layer"] and rate["source"] for rate in rates)
    assert (refused.status, refused.document["detail"].partition(";")[0]) == (400, "no price list of 'acme'")
