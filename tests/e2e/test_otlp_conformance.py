"""OTLP/HTTP against a real server: every encoding, and every way a request can be wrong on its outside."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from bodies import PLAIN_CALL, PLAIN_CALL_USD, as_json, protobuf, span
from serving import JSON, PROTOBUF, Answer, Server

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MEGABYTE = 1024 * 1024
Compress = Callable[[bytes], bytes]


@pytest.fixture
def server(shared_server: Server, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The shared server, with a good call sent before and after; both must be there once, and no traceback."""
    name = request.node.name
    good = f"good {name}"
    assert shared_server.send(protobuf([span()], service=good)).status == 200
    yield shared_server
    assert shared_server.send(protobuf([span()], service=good)).status == 200
    total = shared_server.spend(filter=f"service:{good}")["total"]
    assert (total["calls"], total["cost_usd"]) == (2, "0.00042")
    assert "Traceback" not in shared_server.errors()


def refused_requests(server: Server) -> int:
    return sum(server.ingest()["refused_requests"].values())


def status_of(answer: Answer, content_type: str = PROTOBUF) -> Status:
    """Parse an error as google.rpc.Status in the request's encoding."""
    assert answer.headers["content-type"].startswith(content_type)
    if content_type == JSON:
        return json_format.Parse(answer.body, Status())
    return Status.FromString(answer.body)


def raw_deflate(body: bytes) -> bytes:
    """Compress as senders do that leave out the header."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


def wide_zstd(body: bytes) -> bytes:
    """Compress so that unpacking asks for two gigabytes of window."""
    options = {zstd.CompressionParameter.window_log: 31, zstd.CompressionParameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=options)
    return compressor.compress(body) + compressor.flush()


ENCODINGS = {
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "GZIP": gzip.compress,
}


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON, "application/json; charset=utf-8"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_gives_the_same_total(shared_server: Server, encoding: str, content_type: str) -> None:
    service = f"{encoding} {content_type}"
    make = as_json if "json" in content_type else protobuf
    body = make([span() for i in range(3)], service=service)
    answer = shared_server.send(ENCODINGS[encoding](body), content_type, Content_Encoding=encoding)
    assert answer.status == 200
    response = ExportTraceServiceResponse()
    if "json" in content_type:
        json_format.Parse(answer.body, response)
    else:
        response.ParseFromString(answer.body)
    assert not response.HasField("partial_success")
    total = shared_server.spend(filter=f"service:{service}")["total"]
    assert (total["calls"], total["input_tokens"], total["output_tokens"]) == (3, 3000, 300)
    assert total["cost_usd"] == "0.00063"


def test_the_parts_of_a_compressed_body_are_all_read(server: Server) -> None:
    parts = [protobuf([span()], service="members") for i in range(3)]
    joined_gzip = b"".join(gzip.compress(part) for part in parts[:2])
    assert server.send(joined_gzip, Content_Encoding="gzip").status == 200
    assert server.send(b"".join(map(zstd.compress, parts)), Content_Encoding="zstd").status == 200
    assert server.spend(filter="service:members")["total"]["calls"] == 3


def test_deflate_without_its_header_is_read(server: Server) -> None:
    assert server.send(raw_deflate(protobuf([span()], service="raw")), Content_Encoding="deflate").status == 200
    assert server.spend(filter="service:raw")["total"]["calls"] == 1


def test_a_chunked_body_is_read(server: Server) -> None:
    body = protobuf([span()], service="chunked")
    assert server.send(iter([body[:7], body[7:50], body[50:]])).status == 200
    assert server.spend(filter="service:chunked")["total"]["cost_usd"] == PLAIN_CALL_USD


@pytest.mark.parametrize(("body", "content_type"), [(b"", PROTOBUF), (b"{}", JSON), (b'{"resourceSpans": null}', JSON)])
def test_an_empty_request_is_accepted(server: Server, body: bytes, content_type: str) -> None:
    answer = server.send(body, content_type)
    assert answer.status == 200
    assert answer.body == (b"{}" if content_type == JSON else b"")


BROKEN = {
    "truncated protobuf": (protobuf([span()])[:-9], PROTOBUF, ""),
    "text as protobuf": (b"hello, this is no protobuf", PROTOBUF, ""),
    "empty JSON": (b"", JSON, ""),
    "truncated JSON": (as_json([span()])[:-9], JSON, ""),
    "a JSON list": (b"[]", JSON, ""),
    "JSON with resourceSpans as a number": (b'{"resourceSpans": 5}', JSON, ""),
    "JSON that is not UTF-8": (b'{"resourceSpans": [{"resource": {"attributes": [{"key": "\xff"}]}}]}', JSON, ""),
    "JSON nested a hundred thousand deep": (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON, ""),
    "protobuf nested a hundred thousand deep": (b"\x0a" * 100_000, PROTOBUF, ""),
    "gzip that is none": (b"not gzip at all", PROTOBUF, "gzip"),
    "cut gzip": (gzip.compress(protobuf([span()]))[:-12], PROTOBUF, "gzip"),
    "gzip with a wrong checksum": (gzip.compress(b"abc")[:-8] + b"\0" * 8, PROTOBUF, "gzip"),
    "gzip with rubbish behind": (gzip.compress(protobuf([span()])) + b"rubbish", PROTOBUF, "gzip"),
    "empty gzip": (b"", PROTOBUF, "gzip"),
    "a hundred thousand empty gzip members": (gzip.compress(b"") * 100_000, PROTOBUF, "gzip"),
    "zstd that is none": (b"not zstd at all", JSON, "zstd"),
    "cut zstd": (zstd.compress(protobuf([span()]))[:-3], PROTOBUF, "zstd"),
    "zstd with a window of two gigabytes": (wide_zstd(protobuf([span()])), PROTOBUF, "zstd"),
    "deflate that is none": (b"\xff\xff\xff\xff", PROTOBUF, "deflate"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_body_is_refused_for_good(server: Server, case: str) -> None:
    body, content_type, encoding = BROKEN[case]
    before = refused_requests(server)
    answer = server.send(body, content_type, **({"Content_Encoding": encoding} if encoding else {}))
    assert answer.status == 400
    status = status_of(answer, content_type)
    assert status.code == 3
    assert status.message
    assert "retry-after" not in answer.headers
    assert refused_requests(server) == before + 1


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/xml"])
def test_a_content_type_that_is_not_otlp_is_415(server: Server, content_type: str) -> None:
    before = server.ingest()["refused_requests"].get("UnreadableType", 0)
    answer = server.send(protobuf([span()]), content_type)
    assert answer.status == 415
    assert "application/x-protobuf" in status_of(answer).message
    assert server.ingest()["refused_requests"]["UnreadableType"] == before + 1


def test_an_unknown_compression_is_415(server: Server) -> None:
    answer = server.send(b"whatever", Content_Encoding="br")
    assert answer.status == 415
    assert "gzip" in status_of(answer).message
    assert server.ingest()["refused_requests"]["UnknownEncoding"] >= 1


def test_a_body_of_100_megabytes_is_413_and_leaves_the_server_small(server: Server) -> None:
    before = server.rss_bytes()
    piece = b"\0" * MEGABYTE
    answers = [server.send(piece * 100), server.send(piece for _ in range(100))]
    assert [answer.status for answer in answers] == [413, 413]
    assert all("smaller batches" in status_of(answer).message for answer in answers)
    assert server.rss_bytes() - before < 60 * MEGABYTE
    assert server.ingest()["refused_requests"]["TooLarge"] >= 2


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate), ("zstd", zstd.compress)],
)
def test_a_compression_bomb_stops_at_the_bound(server: Server, encoding: str, compress: Compress) -> None:
    bomb = compress(b"\0" * (400 * MEGABYTE))
    assert len(bomb) < MEGABYTE
    before = server.rss_bytes()
    answer = server.send(bomb, Content_Encoding=encoding)
    assert answer.status == 413
    assert "67108864" in status_of(answer).message
    assert server.rss_bytes() - before < 200 * MEGABYTE


def test_a_span_that_is_not_utf_8_is_rejected_alone(server: Server) -> None:
    body = protobuf([span(), span({**PLAIN_CALL, "gen_ai.prompt.name": "SPOIL"}), span()], service="u")
    answer = server.send(body.replace(b"SPOIL", b"\xff\xfe\xfd\xfc\xfb"))
    assert answer.status == 200
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_spans == 1
    assert "UTF-8" in partial.error_message
    assert server.spend(filter="service:u")["total"]["calls"] == 2
    assert any("UTF-8" in reason for reason in server.ingest()["refused"])


def test_a_resource_that_is_not_utf_8_costs_its_own_spans_only(server: Server) -> None:
    spoilt = protobuf([span(), span({"http.route": "/"})], service="SPOIL").replace(b"SPOIL", b"\xff\xfe\xfd\xfc\xfb")
    answer = server.send(protobuf([span()], service="beside") + spoilt)
    assert answer.status == 200
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (partial.rejected_spans, "resource" in partial.error_message) == (1, True)
    assert server.spend(filter="service:beside")["total"]["calls"] == 1


@pytest.mark.parametrize("case", ["claude-code-logs/01-logs.pb", "claude-code-metrics-only/01-metrics.pb"])
def test_so_do_the_resources_of_logs_and_metrics(server: Server, case: str) -> None:
    body = (Path(__file__).parents[1] / "corpus" / "cases" / f"d-{case}").read_bytes()
    signal = "logs" if "logs.pb" in case else "metrics"
    answers = [
        server.request("POST", f"/v1/{signal}", sent, Content_Type=PROTOBUF)
        for sent in (body, body + body.replace(b"service.name", b"service.\xff\xfe\xfd\xfc"))
    ]
    assert [answer.status for answer in answers] == [200, 200]
    response = ExportLogsServiceResponse() if signal == "logs" else ExportMetricsServiceResponse()
    response.ParseFromString(answers[1].body)
    assert "resource" in response.partial_success.error_message


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": b""}, "trace_id"),
        ({"trace_id": b"\1" * 15}, "trace_id"),
        ({"trace_id": b"\1" * 17}, "trace_id"),
        ({"trace_id": bytes(16)}, "trace_id"),
        ({"span_id": b""}, "span_id"),
        ({"span_id": b"\1" * 9}, "span_id"),
        ({"span_id": bytes(8)}, "span_id"),
        ({"parent_span_id": b"\1"}, "parent_span_id"),
        ({"start_time_unix_nano": 0}, "time"),
        ({"start_time_unix_nano": 2**64 - 1}, "time"),
        ({"end_time_unix_nano": 2**63}, "time"),
    ],
)
@pytest.mark.parametrize("make", [protobuf, as_json])
def test_ids_and_times_that_otlp_forbids_reject_that_span_alone(server, make, fields, reason, request) -> None:
    service = request.node.name
    body = make([span(), span(**fields), span()], service=service)
    content_type = JSON if make is as_json else PROTOBUF
    answer = server.send(body, content_type)
    assert answer.status == 200
    response = ExportTraceServiceResponse()
    json_format.Parse(answer.body, response) if make is as_json else response.ParseFromString(answer.body)
    assert response.partial_success.rejected_spans == 1
    assert reason in response.partial_success.error_message
    assert server.get("/api/v1/spend").status == 200
    assert server.spend(filter=f"service:{service}")["total"]["calls"] == 2


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_logs_and_metrics_of_other_things_are_taken_and_count_nothing(server: Server, content_type: str) -> None:
    calls = server.ingest()["calls"]
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="http.server.duration")
    metric.sum.data_points.add(time_unix_nano=1)
    for path, message, response in (
        ("/v1/logs", logs, ExportLogsServiceResponse()),
        ("/v1/metrics", metrics, ExportMetricsServiceResponse()),
    ):
        body = json_format.MessageToJson(message).encode() if content_type == JSON else message.SerializeToString()
        answer = server.request("POST", path, body, Content_Type=content_type)
        assert answer.status == 200
        json_format.Parse(answer.body, response) if content_type == JSON else response.ParseFromString(answer.body)
        assert not response.HasField("partial_success")
    assert server.ingest()["calls"] == calls


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/metrics"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"5", b'{"resourceLogs": 5, "resourceMetrics": 5}', b'"\\ud800"', b"[" * 100_000]
)
def test_a_broken_request_of_another_signal_is_refused_too(server: Server, path: str, body: bytes) -> None:
    answer = server.request("POST", path, body, Content_Type=JSON)
    assert answer.status == 400
    assert status_of(answer, JSON).code == 3


def test_a_get_where_otlp_is_posted_is_a_problem_not_a_crash(server: Server) -> None:
    answer = server.get("/v1/traces")
    assert answer.status in (404, 405)
    assert json.loads(answer.body)["status"] == answer.status
