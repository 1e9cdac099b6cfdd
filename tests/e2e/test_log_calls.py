"""`costspan serve --log-calls`: a line for each call and each correction, none left out, repeats recognisable."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import openllmetry, otel_genai, sample_call
from serving import environment, run_serve, serve_command


def lines_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def body(number: int, **changes) -> bytes:
    return protobuf_body([otel_genai(sample_call(span_id=f"{number:016x}", response_id=f"resp-{number}", **changes))])


def cost(lines: list[dict]) -> Decimal:
    once = {line["line_id"]: line for line in lines}.values()
    return sum((line["sign"] * Decimal(line["cost_usd"]) for line in once if line["cost_usd"]), Decimal(0))


def test_every_call_is_a_line_with_who_what_and_how_much(start_server, tmp_path) -> None:
    log = tmp_path / "logs" / "calls.jsonl"
    server = start_server("--log-calls", str(log))
    for number in range(1, 4):
        server.send(body(number))
    server.stop()

    lines = lines_of(log)

    assert [(line["schema"], line["kind"], line["sign"]) for line in lines] == [("costspan.call.v1", "call", 1)] * 3
    # 1,000 input and 200 output tokens of gpt-5.4 at $2.50 and $15 a million.
    assert {(line["model"], line["input_tokens"], line["output_tokens"], line["cost_usd"]) for line in lines} == {
        ("gpt-5.4", 1000, 200, "0.0055")
    }
    assert {line["response_id"] for line in lines} == {"resp-1", "resp-2", "resp-3"}
    assert {charge["unit"] for charge in lines[0]["charges"]} == {"input", "output"}


def test_a_correction_takes_its_line_back_so_that_the_sum_is_the_ledgers(start_server, tmp_path) -> None:
    log = tmp_path / "calls.jsonl"
    server = start_server("--log-calls", str(log))
    # One response, told first by a record without its cached tokens, then by one with them: the fuller one counts.
    server.send(protobuf_body([openllmetry(sample_call(span_id="b" * 16, trace_id="c" * 32, response_id="resp-1"))]))
    server.send(body(1, input=600, cache_read=400, output=200))
    server.send(body(2))
    total = server.spend()["total"]["cost_usd"]
    server.stop()

    lines = lines_of(log)

    # $0.0015 + $0.0001 + $0.003, and $0.0055.
    assert cost(lines) == Decimal(total) == Decimal("0.0101")
    [taken_back] = [line["line_id"] for line in lines if line["kind"] == "taken_back"]
    assert taken_back.replace("-", "+") in {line["line_id"] for line in lines}


def test_nothing_is_left_out_after_a_crash_or_while_no_log_was_asked_for(start_server, tmp_path) -> None:
    log = tmp_path / "calls.jsonl"
    start_server("--log-calls", str(log)).stop()
    server = start_server("--log-calls", str(log))
    for number in range(1, 21):
        server.send(body(number))
    server.kill()
    server = start_server()
    server.send(body(21))
    server.stop()
    with log.open("a") as cut:
        cut.write('{"schema": "costspan.ca')
    server = start_server("--log-calls", str(log))
    total = server.spend()["total"]["cost_usd"]
    server.stop()

    whole = [line for line in log.read_text().splitlines() if line.endswith("}")]
    lines = [json.loads(line) for line in whole]

    assert {line["response_id"] for line in lines} == {f"resp-{number}" for number in range(1, 22)}
    assert cost(lines) == Decimal(total)


@pytest.mark.parametrize("way", ["rename", "copytruncate"])
def test_a_log_that_is_rotated_goes_on_under_its_name(start_server, tmp_path, way: str) -> None:
    log, old = tmp_path / "calls.jsonl", tmp_path / "calls.jsonl.1"
    server = start_server("--log-calls", str(log))
    server.send(body(1))
    server.stop()
    server = start_server("--log-calls", str(log))
    if way == "rename":
        log.rename(old)
    else:
        old.write_bytes(log.read_bytes())
        log.write_bytes(b"")
    server.send(body(2))
    server.stop()

    assert [line["response_id"] for line in lines_of(old)] == ["resp-1"]
    assert [line["response_id"] for line in lines_of(log)] == ["resp-2"]


def test_a_first_log_begins_with_what_comes(start_server, tmp_path) -> None:
    server = start_server()
    server.send(body(1))
    server.stop()
    log = tmp_path / "calls.jsonl"
    server = start_server("--log-calls", str(log))
    server.send(body(2))
    server.stop()

    assert [line["response_id"] for line in lines_of(log)] == ["resp-2"]


def test_standard_output_is_the_log_and_nothing_else(tmp_path) -> None:
    data, told = tmp_path / "data", tmp_path / "told"
    with told.open("w") as errors:
        process = subprocess.Popen(
            serve_command(data, "--log-calls", "-"), env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        _send_when_it_listens(told, process, body(1))
        assert process.stdout
        line = json.loads(process.stdout.readline())
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=30)

    assert line["response_id"] == "resp-1"
    assert rest == ""


def test_a_log_that_cannot_be_written_refuses_to_start(tmp_path) -> None:
    (tmp_path / "folder").mkdir()

    said = run_serve(tmp_path / "data", "--log-calls", str(tmp_path / "folder"))

    assert said.returncode == 2
    assert "--log-calls" in said.stderr


def _send_when_it_listens(told: Path, process: subprocess.Popen[str], sent: bytes) -> None:
    import http.client

    while "http://" not in (said := told.read_text()):
        assert process.poll() is None, said
    host = said.partition("http://")[2].partition(",")[0]
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("POST", "/v1/traces", sent, {"Content-Type": "application/x-protobuf"})
    assert connection.getresponse().status == 200
    connection.close()
