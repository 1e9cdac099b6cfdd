"""`costspan import` of collector files into a running server."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

from costspan.cli import import_, importers
from costspan.cli.main import main
from costspan.testing.otlp import json_body
from costspan.testing.spans import otel_genai, sample_call

LINE = json_body([otel_genai(sample_call())])
PRETTY = json.dumps(json.loads(LINE), indent=2).encode()


def spans_received(stub_server) -> int:
    return sum(
        len(scope["spans"])
        for body in stub_server.bodies
        for resource in json.loads(body)["resourceSpans"]
        for scope in resource["scopeSpans"]
    )


def test_lines_go_to_the_server_in_bounded_requests(stub_server, tmp_path, capsys) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_bytes(b"\n".join([LINE] * 1_200) + b"\n")

    assert main(["import", str(file), "--url", stub_server.url]) == 0

    assert spans_received(stub_server) == 1_200
    assert len(stub_server.bodies) == 3
    assert capsys.readouterr().out == f"1,200 spans of 1,200 lines in 1 files went into {stub_server.url}.\n"


def test_one_large_request_is_split(stub_server, tmp_path) -> None:
    file = tmp_path / "one.json"
    file.write_bytes(json_body([otel_genai(sample_call())] * 1_100))

    assert main(["import", str(file), "--url", stub_server.url]) == 0
    assert sorted(body.count(b'"traceId"') for body in stub_server.bodies) == [76, 512, 512]


def test_folders_zipped_files_and_documents_over_many_lines_are_read(stub_server, tmp_path, capsys) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.jsonl.gz").write_bytes(gzip.compress(LINE + b"\n" + LINE))
    (tmp_path / "b.json").write_bytes(PRETTY)
    (tmp_path / "notes.txt").write_text("not telemetry")

    assert main(["import", str(tmp_path), "--json", "--url", stub_server.url]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["files"], said["spans"], said["refused_lines"]) == (2, 3, [])
    assert spans_received(stub_server) == 3


def test_bad_lines_are_named_and_the_rest_goes_on(stub_server, tmp_path, capsys) -> None:
    file = tmp_path / "mixed.jsonl"
    file.write_bytes(b"\n".join([LINE, b"{broken", b"[1]", b'{"resourceSpans": 5}', b"", LINE]))

    assert main(["import", str(file), "--json", "--url", stub_server.url]) == 1

    said = json.loads(capsys.readouterr().out)
    assert said["spans"] == 2
    assert [bad["place"] for bad in said["refused_lines"]] == [f"{file}:{line}" for line in (2, 3, 4)]


def test_a_broken_first_line_costs_only_itself(stub_server, tmp_path, capsys) -> None:
    file = tmp_path / "cut.jsonl"
    file.write_bytes(b'"cut off"}]}\n' + LINE + b"\n" + LINE)

    assert main(["import", str(file), "--url", stub_server.url]) == 1
    assert spans_received(stub_server) == 2
    assert f"{file}:1: no JSON" in capsys.readouterr().err


def test_logs_and_metrics_go_to_their_own_doors_and_profiles_are_passed_over(stub_server, tmp_path, capsys) -> None:
    log = b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, {}]}]}]}\n'
    metric = b'{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{}]}]}]}\n'
    file = tmp_path / "all.jsonl"
    file.write_bytes(log + metric + b'{"resourceProfiles": []}\n' + log + LINE)

    assert main(["import", str(file), "--json", "--url", stub_server.url]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["spans"], said["log_records"], said["metrics"]) == (1, 4, 1)
    assert said["skipped_lines"] == {"profiles": 1}
    assert sorted(stub_server.paths) == ["/v1/logs", "/v1/logs", "/v1/metrics", "/v1/traces"]


def test_a_request_refused_for_good_names_the_guilty_line(stub_server, tmp_path, capsys) -> None:
    file = tmp_path / "two.jsonl"
    file.write_bytes(LINE + b"\n" + LINE)
    stub_server.answers = [(400, {}, b"bad span"), (400, {}, b"bad span")]

    assert main(["import", str(file), "--url", stub_server.url]) == 1
    assert spans_received(stub_server) == 1
    assert f"{file}:1: {stub_server.url} refused spans: 400 bad span" in capsys.readouterr().err


def test_a_full_server_is_waited_for(stub_server, tmp_path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(LINE)
    stub_server.answers = [(503, {"Retry-After": "0"}, b""), (429, {"Retry-After": "0"}, b"")]

    assert main(["import", str(file), "--url", stub_server.url]) == 0
    assert spans_received(stub_server) == 1


def test_spans_the_server_rejects_in_part_are_told(stub_server, tmp_path, capsys) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(LINE)
    stub_server.answers = [(200, {}, b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no trace id"}}')]

    assert main(["import", str(file), "--url", stub_server.url]) == 1
    assert "1 spans refused: rejected by the server" in capsys.readouterr().err


def test_standard_input_is_a_file(stub_server, tmp_path) -> None:
    command = [sys.executable, "-m", "costspan.cli.main", "import", "-", "--url", stub_server.url]

    done = subprocess.run(command, input=LINE, check=False, env={"PYTHONPATH": ":".join(sys.path)})

    assert done.returncode == 0
    assert spans_received(stub_server) == 1


def test_the_api_key_travels_with_the_spans(stub_server, tmp_path, monkeypatch) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(LINE)
    (tmp_path / "key").write_text("secret-1\n")
    monkeypatch.setenv("COSTSPAN_API_KEY_FILE", str(tmp_path / "key"))

    assert main(["import", str(file), "--url", stub_server.url]) == 0
    assert stub_server.headers[0]["Authorization"] == "Bearer secret-1"


def test_every_importer_can_be_named() -> None:
    assert sorted(import_.FORMATS) == sorted(importers.FORMATS)


def test_a_path_that_is_not_there_is_said(stub_server, capsys) -> None:
    assert main(["import", "nowhere.jsonl", "--url", stub_server.url]) == 3
    assert capsys.readouterr().err == "costspan: nowhere.jsonl: no such file or folder\n"
