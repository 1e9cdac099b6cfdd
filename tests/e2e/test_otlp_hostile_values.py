"""Well-formed requests that carry impossible values: each shows as what it is, and its neighbours are untouched."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from bodies import PLAIN_CALL, START_NS, as_json, fresh, protobuf, span
from serving import JSON, PROTOBUF, Server

Start = Callable[..., Server]
IDENTIFIED = b'{"name": "gen_ai.", "traceId": "%032x", "spanId": "%016x", "startTimeUnixNano": ' % (1, 1)
INPUT = "gen_ai.usage.input_tokens"
OUTPUT = "gen_ai.usage.output_tokens"


def price_status(server: Server, service: str) -> dict[str, int]:
    """Return the number of calls by price status."""
    rows = server.spend(filter=f"service:{service}", group_by="price_status")["rows"]
    return {row["price_status"]: row["calls"] for row in rows}


def send_between_good_calls(server: Server, values: Mapping[str, Any], make: Callable[..., bytes]) -> dict[str, int]:
    """Send a span with `values` between two plain ones; return what the ledger made of the three, by price status."""
    service = f"hostile {fresh()}"
    body = make([span(), span({**PLAIN_CALL, **values}), span()], service=service)
    answer = server.send(body, JSON if make is as_json else PROTOBUF)
    assert (answer.status, answer.body) in ((200, b""), (200, b"{}"))
    assert "Traceback" not in server.errors()
    return price_status(server, service)


INVALID = {
    "negative input": {INPUT: -1},
    "negative output as text": {OUTPUT: "-5"},
    "the largest integer": {INPUT: 2**63 - 1},
    "the smallest integer": {INPUT: -(2**63)},
    "ten to the thirty as text": {OUTPUT: str(10**30)},
    "five thousand digits": {OUTPUT: "9" * 5000},
    "minus five thousand digits": {OUTPUT: "-" + "9" * 5000},
    "a thousand billion": {OUTPUT: 10**12},
    "one e three hundred": {INPUT: 1e300},
}


@pytest.mark.parametrize("make", [protobuf, as_json])
@pytest.mark.parametrize("case", INVALID)
def test_an_impossible_count_is_kept_as_invalid_and_never_priced(shared_server: Server, case: str, make) -> None:
    assert send_between_good_calls(shared_server, INVALID[case], make) == {"priced": 2, "invalid_usage": 1}


@pytest.mark.parametrize("name", ["web_search", "grounding", "code_execution"])
def test_a_thousand_million_searches_are_invalid_and_no_fee(shared_server: Server, name: str) -> None:
    said = {f"costspan.usage.{name}": 10**9}
    assert send_between_good_calls(shared_server, said, protobuf) == {"priced": 2, "invalid_usage": 1}


def test_a_call_whose_cost_no_ledger_can_hold_is_refused_alone(start_server: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    dear = {"provider": "acme", "model": "dear", "input": "100000000000", "output": "1"}
    (tmp_path / "data" / "costspan.yaml").write_text(json.dumps({"prices": [dear]}))
    server = start_server()
    spoiled = {**PLAIN_CALL, "gen_ai.provider.name": "acme", "gen_ai.request.model": "dear"}
    spoiled |= {"gen_ai.response.model": "dear"}
    spans = [span(spoiled if number in (3, 60) else PLAIN_CALL) for number in range(100)]
    answer = server.send(protobuf(spans))
    assert answer.status == 200
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (partial.rejected_spans, "cannot hold" in partial.error_message) == (2, True)
    assert server.spend()["total"]["calls"] == 98
    assert server.ingest()["refused"] == {"holds a value the ledger cannot hold": 2}
    assert server.send(protobuf(spans)).status == 200
    assert server.spend()["total"]["calls"] == 98
    assert server.send(protobuf([span(spoiled)])).status == 400


@pytest.mark.parametrize("said", [-1, 2**31, 2**63 - 1, str(10**30), "9" * 400])
def test_an_impossible_number_of_attempts_is_no_number_of_attempts(shared_server: Server, said: int | str) -> None:
    assert send_between_good_calls(shared_server, {"costspan.attempt": said}, protobuf) == {"priced": 3}
    assert [row["attempt"] for row in shared_server.spend(group_by="attempt")["rows"]] == ["1"]


def test_parts_that_exceed_their_total_under_a_known_convention_are_invalid(shared_server: Server) -> None:
    service = "known scope"
    spoiled = {**PLAIN_CALL, "gen_ai.usage.cache_read.input_tokens": 1_001}
    scope = "opentelemetry.instrumentation.genai.openai"
    assert shared_server.send(protobuf([span(spoiled), span()], service=service, scope=scope)).status == 200
    assert price_status(shared_server, service) == {"priced": 1, "invalid_usage": 1}


MISSING = {
    "not a number": {INPUT: float("nan"), OUTPUT: float("nan")},
    "infinities": {INPUT: float("inf"), OUTPUT: float("-inf")},
    "infinity as text": {INPUT: "Infinity", OUTPUT: "nan"},
    "booleans": {INPUT: True, OUTPUT: True},
    "fractions": {INPUT: 1.5, OUTPUT: "0.1"},
    "words": {INPUT: "many", OUTPUT: ""},
    "lists": {INPUT: [1000], OUTPUT: [100]},
    "bytes": {INPUT: b"1000", OUTPUT: b"100"},
    "zeros": {INPUT: 0, OUTPUT: 0},
}


@pytest.mark.parametrize("make", [protobuf, as_json])
@pytest.mark.parametrize("case", MISSING)
def test_a_count_that_is_no_number_is_missing_and_not_zero(shared_server: Server, case: str, make) -> None:
    assert send_between_good_calls(shared_server, MISSING[case], make) == {"priced": 2, "usage_missing": 1}


HARMLESS = {
    "NUL in a model's neighbour": {"gen_ai.prompt.name": "a\0b"},
    "NUL in a tag's name and value": {"costspan.tag.a\0b": "c\0d"},
    "quotes in a tag's name": {"costspan.tag.a'b\"c": "x'y\"z"},
    "a lone surrogate inside a JSON text": {"metadata": '{"note": "\\ud800", "\\udfff": "x"}'},
    "NUL inside a JSON text": {"metadata": '{"no\\u0000te": "\\u0000"}'},
    "a lone surrogate as the finish reason": {"gen_ai.response.finish_reasons": '["\\ud800"]'},
    "JSON nested a hundred thousand deep": {"metadata": '{"a":' + "[" * 100_000},
    "a number of five thousand digits in JSON": {"metadata": '{"a": ' + "9" * 5000 + "}"},
    "a million bytes of text": {"gen_ai.input.messages": "x" * 1_000_000},
    "a tag with a name of a million bytes": {"costspan.tag." + "n" * 1_000_000: "x"},
    "a thousand tags": {f"costspan.tag.t{i}": "x" for i in range(1000)},
    "a negative latency to the first chunk": {"gen_ai.response.time_to_first_chunk": -1.0},
    "an endless latency to the first chunk": {"gen_ai.response.time_to_first_chunk": 1e308},
    "a cost that is no number": {"gen_ai.usage.cost": float("nan")},
    "a cost beyond the world's money": {"gen_ai.usage.cost": 1e300},
    "a negative cost": {"gen_ai.usage.cost": -1.0},
    "an empty key": {"": "x"},
}


@pytest.mark.parametrize("make", [protobuf, as_json])
@pytest.mark.parametrize("case", HARMLESS)
def test_a_strange_value_beside_the_counts_changes_no_money(shared_server: Server, case: str, make) -> None:
    assert send_between_good_calls(shared_server, HARMLESS[case], make) == {"priced": 3}


@pytest.mark.parametrize(
    "times",
    [
        {"start_time_unix_nano": 1, "end_time_unix_nano": 2},
        {"end_time_unix_nano": 0},
        {"end_time_unix_nano": START_NS - 1},
        {"start_time_unix_nano": 2**63 - 1, "end_time_unix_nano": 2**63 - 1},
    ],
)
def test_strange_times_within_range_are_kept(shared_server: Server, times: dict[str, int]) -> None:
    service = f"times {fresh()}"
    assert shared_server.send(protobuf([span(**times), span()], service=service)).status == 200
    document = shared_server.spend(filter=f"service:{service}", since="1970-01-01", until="2300-01-01")
    assert document["total"]["calls"] == 2
    assert document["total"]["latency_ms"]["p50"] >= 0
    assert shared_server.get("/api/v1/ingest").status == 200


def test_a_sampling_ratio_beyond_all_money_costs_nobody_anything(shared_server: Server) -> None:
    one_in_72_quadrillion = "ot=th:ffffffffffffff"
    service = "sampled"
    body = protobuf([span(), span(trace_state=one_in_72_quadrillion), span(trace_state="ot=th:zz")], service=service)
    assert shared_server.send(body).status == 200
    total = shared_server.spend(filter=f"service:{service}")["total"]
    assert (total["calls"], total["cost_usd"]) == (3, "0.00063")


@pytest.mark.parametrize(("depth", "calls"), [(10, 1), (40, 1), (2_000, 0)])
def test_a_deeply_nested_attribute_costs_its_own_span_at_most(shared_server: Server, depth: int, calls: int) -> None:
    service = f"depth {depth}"
    document = json.loads(as_json([span()], service=service))
    attributes = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    attributes.append({"key": "deep", "value": "DEEP"})
    text = '{"arrayValue":{"values":[' * depth + "{}" + "]}}" * depth
    answer = shared_server.send(json.dumps(document).replace('"DEEP"', text).encode(), JSON)
    assert answer.status == (200 if calls else 400)
    assert shared_server.spend(filter=f"service:{service}")["total"]["calls"] == calls
    assert "Traceback" not in shared_server.errors()


def test_a_protobuf_span_nested_too_deep_is_rejected_alone(shared_server: Server) -> None:
    service = "deep protobuf"
    array = b""
    for tag in (b"\x2a", b"\x0a") * 200:  # AnyValue.array_value, ArrayValue.values
        array = tag + varint(len(array)) + array
    placeholder = b"x" * len(array)
    body = protobuf([span(), span({**PLAIN_CALL, "deep": placeholder})], service=service)
    as_bytes, as_array = b"\x3a" + varint(len(array)), b"\x2a" + varint(len(array))
    answer = shared_server.send(body.replace(as_bytes + placeholder, as_array + array))
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_spans) == (200, 1)
    assert shared_server.spend(filter=f"service:{service}")["total"]["calls"] == 1
    assert "Traceback" not in shared_server.errors()


def varint(number: int) -> bytes:
    """Return a number in protobuf's variable length."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\u0000"', '"a\\udc00b"'])
def test_json_escapes_of_half_a_character_cost_nobody_anything(shared_server: Server, text: str) -> None:
    service = f"escape {fresh()}"
    body = as_json([span(), span({**PLAIN_CALL, "gen_ai.agent.name": "SPOIL"}), span()], service=service)
    answer = shared_server.send(body.replace(b'"SPOIL"', text.encode()), JSON)
    assert answer.status == 200
    assert answer.document == {}
    assert shared_server.spend(filter=f"service:{service}")["total"]["calls"] == 3
    assert "Traceback" not in shared_server.errors()


@pytest.mark.parametrize(
    "broken",
    [
        b'{"traceId": 5}',
        b'"gen_ai."',
        b'{"attributes": {"gen_ai.": 1}}',
        b'{"traceId": "gen_ai.zz", "spanId": "zz"}',
        IDENTIFIED + b'"soon"}',
        IDENTIFIED + b"1e99}",
        IDENTIFIED + b"-1}",
    ],
)
def test_a_json_span_of_a_wrong_shape_is_rejected_alone(shared_server: Server, broken: bytes) -> None:
    service = f"shape {fresh()}"
    body = as_json([span(), span(name="SPOIL")], service=service)
    spans = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    answer = shared_server.send(body.replace(json.dumps(spans[1]).encode(), broken), JSON)
    assert answer.status == 200
    assert shared_server.spend(filter=f"service:{service}")["total"]["calls"] == 1
    if b"gen_ai." in broken:
        assert answer.document["partialSuccess"]["rejectedSpans"] == "1"
    assert "Traceback" not in shared_server.errors()
