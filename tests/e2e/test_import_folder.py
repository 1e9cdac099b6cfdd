"""`costspan import` without a server: the same pipeline, in process, and the same file twice counts once."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

from costspan.cli.main import main
from costspan.core.clock import ns_from_utc
from costspan.testing.otlp import json_body
from costspan.testing.spans import openllmetry, otel_genai, sample_call

AN_HOUR_AGO_NS = ns_from_utc(datetime.now(UTC) - timedelta(hours=1))


def write_file(folder) -> str:
    first = otel_genai(sample_call(span_id="a" * 16, response_id="r1", started_at_ns=AN_HOUR_AGO_NS))
    second = openllmetry(
        sample_call(
            trace_id="c" * 32, span_id="b" * 16, response_id="r2", started_at_ns=AN_HOUR_AGO_NS, requested_model="o3"
        )
    )
    path = folder / "traces.jsonl.gz"
    path.write_bytes(gzip.compress(json_body([first]) + b"\n" + b'{"resourceLogs":[]}\n' + json_body([second])))
    return str(path)


def test_a_collector_file_twice_counts_once(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COSTSPAN_URL", "http://127.0.0.1:9")
    file, ledger = write_file(tmp_path), str(tmp_path / "ledger")

    told = []
    for _ in range(2):
        assert main(["import", file, "--data", ledger, "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))

    assert [(said["spans"], said["calls"], said["duplicates"]) for said in told] == [(2, 2, 0), (2, 0, 2)]
    assert told[0]["skipped_lines"] == {}

    assert main(["report", "--data", ledger, "--json"]) == 0
    rows = {row["model"]: row["cost_usd"] for row in json.loads(capsys.readouterr().out)["rows"]}
    # 1,000 input and 200 output tokens: gpt-5.4 at $2.50 and $15, o3 at $2 and $8 a million.
    assert rows == {"gpt-5.4": "0.0055", "o3": "0.0036"}
