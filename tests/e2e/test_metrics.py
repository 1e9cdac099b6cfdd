"""`/metrics` of a real server, read as a scraper reads it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from otlp_receiver import OtlpReceiver
from prometheus_client.parser import text_string_to_metric_families

from bodies import PLAIN_CALL, protobuf, span
from serving import Server, run_serve

Start = Callable[..., Server]


def scrape(server: Server, **headers: str) -> dict[tuple[str, ...], float]:
    """Return sample name and label values, by the labels' names in order, -> value."""
    answer = server.get("/metrics", **headers)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.body.decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_what_came_in_is_counted_by_what_became_of_it(start_server: Start) -> None:
    server = start_server()
    body = protobuf(
        [span(), span({**PLAIN_CALL, "gen_ai.request.model": "nobody-sells-this"}), span({"http.route": "/"})]
    )
    assert [server.send(body).status for _ in range(2)] == [200, 200]
    assert server.send(protobuf([span(trace_id=b"\1" * 15)])).status == 200
    assert server.send(b"hello").status == 400
    found = scrape(server)
    assert found["costspan_received_items_total",] == 7
    assert found["costspan_new_calls_total",] == 2
    assert found["costspan_retransmitted_calls_total",] == 2
    assert found["costspan_other_items_total",] == 2
    assert found["costspan_refused_items_total", "trace_id is not 16 non-zero bytes"] == 1
    assert found["costspan_refused_requests_total", "UnreadableBody"] == 1
    assert found["costspan_commit_duration_seconds_count",] >= 2
    assert found["costspan_ledger_calls", "billed"] == 1
    assert found["costspan_ledger_calls", "unpriced"] == 1
    assert found["costspan_dialect_calls", "otel_genai"] == 2
    assert found["costspan_queue_requests",] == found["costspan_in_flight_bytes",] == 0
    assert found["costspan_ledger_up",] == 1
    assert found["process_resident_memory_bytes",] > 10_000_000
    assert found["process_open_fds",] > 0


def test_cost_is_the_ledgers_to_the_cent_and_survives_a_restart(start_server: Start) -> None:
    server = start_server()
    search = {**PLAIN_CALL, "feature": "search", "team": 'a "quoted"\nteam'}
    assert server.send(protobuf([span(search) for _ in range(50)], deployment__environment__name="prod")).status == 200
    labels = ("prod", "search", "gpt-4o-mini", "openai", 'a "quoted"\nteam')
    found = scrape(server)
    assert found["costspan_ledger_cost_usd", *labels] == found["costspan_cost_usd_total", *labels] == 0.0105
    server.stop()
    again = start_server()
    assert again.send(protobuf([span(search)], deployment__environment__name="prod")).status == 200
    found = scrape(again)
    assert found["costspan_ledger_cost_usd", *labels] == float(Decimal(again.spend()["total"]["cost_usd"])) == 0.01071
    assert found["costspan_cost_usd_total", *labels] == 0.00021


def test_metrics_need_the_key(start_server: Start) -> None:
    server = start_server(COSTSPAN_API_KEY="open sesame")
    assert server.get("/metrics").status == 401
    assert ("costspan_ledger_up",) in scrape(server, Authorization="Bearer open sesame")


def test_a_sender_whose_clock_is_ahead_shows(start_server: Start) -> None:
    server = start_server()
    assert server.ingest()["clock_skew_s"] is None
    at_ns = time.time_ns() + 600 * 10**9
    assert server.send(protobuf([span(start_time_unix_nano=at_ns, end_time_unix_nano=at_ns)])).status == 200
    assert 500 < server.ingest()["clock_skew_s"] <= 600


def test_questions_are_traced_and_what_is_received_is_not(start_server: Start) -> None:
    with OtlpReceiver() as receiver:
        server = start_server("--self-trace", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)
        assert server.send(protobuf([span()])).status == 200
        server.spend()
        assert server.get("/api/v1/traces/abcdef").status == 404
        server.stop()
        sent = [(each.name, each.attributes["http.response.status_code"]) for each in receiver.spans]
    assert sent == [("GET /api/v1/spend", 200), ("GET /api/v1/traces/{trace_id}", 404)]


@pytest.mark.parametrize("endpoint", ["", "http://localhost:{port}", "http://127.0.0.1:{port}/v1/traces"])
def test_a_server_does_not_trace_into_itself(tmp_path: Path, endpoint: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    own = endpoint.format(port=port)
    refused = run_serve(tmp_path / "data", "--port", str(port), "--self-trace", OTEL_EXPORTER_OTLP_ENDPOINT=own)
    assert refused.returncode == 2
    assert "--self-trace" in refused.stderr
    assert "Traceback" not in refused.stderr
