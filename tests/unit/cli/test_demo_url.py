"""`costspan demo` feeding a running server, and what it refuses to touch."""

from __future__ import annotations

import socket

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from spend_documents import spend_document, spend_row

from costspan.cli.main import main

TOTAL = spend_row(cost_usd="12.5", calls=400, billed_calls=390, unpriced_calls=10)


def test_history_is_sent_in_protobuf_batches_and_summed_up(stub_server, capsys) -> None:
    stub_server.spend = spend_document([], TOTAL)

    assert main(["demo", "--once", "--days", "2", "--calls-per-day", "500", "--url", stub_server.url]) == 0

    requests = [ExportTraceServiceRequest.FromString(body) for body in stub_server.bodies]
    sizes = [
        sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
        for request in requests
    ]
    assert all(size == 512 for size in sorted(sizes)[1:])
    assert stub_server.headers[0]["Content-Type"] == "application/x-protobuf"
    out = capsys.readouterr().out
    assert out.startswith(f"{sum(sizes):,} spans sent in ")
    assert f"$12.50 for 400 calls, 10 without a price. Dashboard: {stub_server.url}/" in out


def test_a_full_server_is_waited_for_and_loses_nothing(stub_server, capsys) -> None:
    stub_server.spend = spend_document([], TOTAL)
    stub_server.answers = [(503, {"Retry-After": "0"}, b""), (429, {"Retry-After": "0"}, b"")]

    assert main(["demo", "--once", "--days", "1", "--calls-per-day", "2000", "--url", stub_server.url]) == 0
    assert capsys.readouterr().out.split()[0].replace(",", "") == str(
        sum(
            len(scope.spans)
            for body in stub_server.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
        )
    )


def test_a_refusal_stops_the_demo(stub_server, capsys) -> None:
    stub_server.answers = [(400, {}, b"no")] * 100

    assert main(["demo", "--once", "--days", "3", "--url", stub_server.url]) == 3
    assert capsys.readouterr().err == f"costspan: {stub_server.url} refused spans: 400 no\n"


def test_a_folder_with_somebody_elses_files_is_left_alone(tmp_path, capsys) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "costspan.duckdb").write_text("precious")

    assert main(["demo", "--once", "--data", str(tmp_path / "ledger")]) == 2
    assert (tmp_path / "ledger" / "costspan.duckdb").read_text() == "precious"
    assert "was not made by costspan demo" in capsys.readouterr().err


def test_a_taken_port_is_named(tmp_path, capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert main(["demo", "--once", "--port", str(port), "--data", str(tmp_path / "demo")]) == 3
    assert capsys.readouterr().err.startswith(f"costspan: port {port} is taken")


@pytest.mark.parametrize("words", [["--days", "0"], ["--days", "401"], ["--calls-per-day", "0"]])
def test_amounts_out_of_range_are_wrong_usage(words) -> None:
    assert main(["demo", "--once", *words]) == 2


def test_an_address_without_costspan_is_said(capsys) -> None:
    assert main(["demo", "--once", "--url", "http://127.0.0.1:9"]) == 3
    assert "no costspan server answers at http://127.0.0.1:9" in capsys.readouterr().err
