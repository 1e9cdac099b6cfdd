"""OTLP/gRPC against a real server: OpenTelemetry's own exporters, and raw calls that are wrong in every way."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from bodies import PLAIN_CALL, PLAIN_CALL_USD, protobuf, span
from serving import Server, run_serve

Start = Callable[..., Server]
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
MEGABYTE = 1024 * 1024


@pytest.fixture
def channel(shared_server: Server) -> Iterator[grpc.Channel]:
    """A channel to the shared server, which must have written no traceback."""
    with open_channel(shared_server) as opened:
        yield opened
    assert "Traceback" not in shared_server.errors()


def open_channel(server: Server) -> grpc.Channel:
    return grpc.insecure_channel(server.grpc_url, options=[("grpc.max_send_message_length", -1)])


def export(channel: grpc.Channel, body: bytes, method: str = TRACES, key: str | None = None, **options) -> bytes:
    metadata = [("authorization", f"Bearer {key}")] if key else None
    return channel.unary_unary(method)(body, metadata=metadata, timeout=30, **options)


def refusal(channel: grpc.Channel, body: bytes, method: str = TRACES, **options) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        export(channel, body, method, **options)
    return refused.value


def status_of(error: grpc.RpcError) -> Status:
    """Return the google.rpc.Status that stands beside the code."""
    return Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])


@pytest.mark.parametrize("compression", list(grpc.Compression))
def test_opentelemetrys_exporter_delivers(shared_server: Server, compression: grpc.Compression) -> None:
    service = f"exporter {compression.name}"
    provider = TracerProvider(resource=Resource({"service.name": service}))
    exporter = OTLPSpanExporter(f"http://{shared_server.grpc_url}", insecure=True, compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("chat", attributes=dict(PLAIN_CALL)):
        pass
    provider.shutdown()
    total = shared_server.spend(filter=f"service:{service}")["total"]
    assert (total["calls"], total["cost_usd"]) == (1, PLAIN_CALL_USD)


def test_a_call_sent_through_both_doors_counts_once(shared_server: Server, channel: grpc.Channel) -> None:
    body = protobuf([span()], service="both doors")
    assert shared_server.send(body).status == 200
    assert export(channel, body) == b""
    assert shared_server.spend(filter="service:both doors")["total"]["calls"] == 1


def test_logs_and_metrics_of_other_things_are_taken(channel: grpc.Channel) -> None:
    logs, metrics = ExportLogsServiceRequest(), ExportMetricsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="x").sum.data_points.add(time_unix_nano=1)
    answers = [
        ExportLogsServiceResponse.FromString(export(channel, logs.SerializeToString(), LOGS)),
        ExportMetricsServiceResponse.FromString(export(channel, metrics.SerializeToString(), METRICS)),
    ]
    assert not any(answer.HasField("partial_success") for answer in answers)


def test_a_refused_span_is_a_partial_success(shared_server: Server, channel: grpc.Channel) -> None:
    body = protobuf([span(), span(trace_id=b"\1" * 15), span()], service="partial gRPC")
    partial = ExportTraceServiceResponse.FromString(export(channel, body)).partial_success
    assert partial.rejected_spans == 1
    assert "trace_id" in partial.error_message
    assert shared_server.spend(filter="service:partial gRPC")["total"]["calls"] == 2


@pytest.mark.parametrize("method", [TRACES, LOGS, METRICS])
@pytest.mark.parametrize(
    "body",
    [b"hello", b"\x0a\xff", protobuf([span()])[:-9], gzip.compress(b"twice")],
    ids=["text", "cut off", "cut in a span", "packed twice"],
)
def test_a_broken_message_is_an_invalid_argument(channel: grpc.Channel, method: str, body: bytes) -> None:
    error = refusal(channel, body, method)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert status_of(error).code == 3
    assert not status_of(error).details


def test_an_empty_message_is_an_empty_request(channel: grpc.Channel) -> None:
    assert export(channel, b"") == b""


def test_a_call_without_a_message_is_refused(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        channel.stream_unary(TRACES)(iter([]), timeout=30)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_method_that_is_not_otlps_is_unimplemented(channel: grpc.Channel) -> None:
    assert refusal(channel, b"", "/some.Service/Export").code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("compression", list(grpc.Compression))
def test_a_large_message_stops_at_the_bound(
    shared_server: Server, channel: grpc.Channel, compression: grpc.Compression
) -> None:
    before = shared_server.rss_bytes()
    error = refusal(channel, b"\0" * (150 * MEGABYTE), compression=compression)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert shared_server.rss_bytes() - before < 60 * MEGABYTE
    assert export(channel, protobuf([span()])) == b""


def test_a_sender_that_goes_away_disturbs_nobody(shared_server: Server, channel: grpc.Channel) -> None:
    body = protobuf([span() for _ in range(500)], service="gone")
    calls = [channel.unary_unary(TRACES).future(body) for _ in range(20)]
    for call in calls[::2]:
        call.cancel()
    assert [call.result() for call in calls[1::2]] == [b""] * 10
    assert shared_server.spend(filter="service:gone")["total"]["calls"] == 500


def test_many_at_once_are_all_answered(shared_server: Server, channel: grpc.Channel) -> None:
    bodies = [protobuf([span() for _ in range(20)], service="at once") for _ in range(100)]
    with ThreadPoolExecutor(100) as senders:
        assert list(senders.map(lambda body: export(channel, body, wait_for_ready=True), bodies)) == [b""] * 100
    assert shared_server.spend(filter="service:at once")["total"]["calls"] == 2000


def test_a_key_is_asked_for_as_over_http(start_server: Start) -> None:
    server = start_server(COSTSPAN_API_KEY="open sesame")
    body = protobuf([span()])
    with open_channel(server) as channel:
        for key in (None, "wrong"):
            error = refusal(channel, body, key=key)
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "sesame" not in str(error)
        assert export(channel, body, key="open sesame") == b""
    assert server.get("/api/v1/ingest", Authorization="Bearer open sesame").document["calls"] == 1


def test_what_does_not_arrive_in_time_may_be_sent_again(start_server: Start, tmp_path: Path) -> None:
    settings = tmp_path / "own.yaml"
    settings.write_text("limits: {receive_timeout_s: 1}\n")
    server = start_server("--config", str(settings))
    answered = threading.Event()
    stalled = (b"" for _ in iter(answered.wait, True))
    with open_channel(server) as channel:
        call = channel.stream_unary(TRACES).future(stalled, timeout=30)
        call.add_done_callback(lambda _: answered.set())
        error = call.exception()
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    retry = RetryInfo()
    assert status_of(error).details[0].Unpack(retry)
    assert retry.retry_delay.seconds >= 1


def test_requests_in_flight_are_answered_before_the_server_stops(start_server: Start) -> None:
    server = start_server()
    bodies = [protobuf([span() for _ in range(200)], service="stopped") for _ in range(20)]
    with open_channel(server) as channel:
        export(channel, b"")
        calls = [channel.unary_unary(TRACES).future(body) for body in bodies]
        calls[0].result()
        assert server.stop() == 0
        answered = sum(call.exception() is None for call in calls)
        refused = {call.exception().code() for call in calls if call.exception()}
    assert refused <= {grpc.StatusCode.UNAVAILABLE}
    assert start_server().spend(filter="service:stopped")["total"]["calls"] >= 200 * answered > 0


def test_a_grpc_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run_serve(tmp_path / "data", "--grpc-port", port)
    assert refused.returncode == 3
    assert refused.stderr.startswith("costspan")
    assert all(word in refused.stderr for word in (port, "--grpc-port", "--no-grpc"))
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_second_server_does_not_share_the_port_of_the_first(shared_server: Server, tmp_path: Path) -> None:
    refused = run_serve(tmp_path / "data", "--grpc-port", shared_server.grpc_url.rpartition(":")[2])
    assert refused.returncode == 3


def test_grpc_can_be_switched_off(start_server: Start) -> None:
    server = start_server("--no-grpc")
    assert server.grpc_url == ""
    assert server.send(protobuf([span()])).status == 200
