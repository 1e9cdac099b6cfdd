"""`costspan import` of every kind of file: what it costs, twice, in another order, and beside telemetry of the same.

The files stand in `import_files`, made after the documented shapes; costs are worked out by hand from list prices.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest

from costspan.cli.main import main

FILES = Path(__file__).parent / "import_files"
COSTS = {
    # msg_01A: 3 at $3, 8,809 read at $0.30, 7,885 kept an hour at $6, 211 out at $15; msg_01B: 10, 16,694 read,
    # 500 kept five minutes at $3.75, 100 out; msg_01D: 100 and 10; the subagent's 1,000 and 200 of Haiku at $1 and $5.
    "claude-code": {"claude-sonnet-4-6": "0.0619899", "claude-haiku-4-5": "0.002"},
    # Answers of 12,000 (8,000 cached) and 500, 18,000 (16,000) and 400, the subagent's own 5,000 and 100, at $2.50,
    # $0.25 and $15.
    "codex": {"gpt-5.4": "0.0485"},
    # 10,000 (4,000 cached) and 200 with 300 thoughts beside them; 2,000 and 100; at $1.25, $0.125 and $10.
    "gemini-cli": {"gemini-2.5-pro": "0.0165"},
    # 1,000, 3,000 cached, 150 and 50 of reasoning, all disjoint; 100 and 10. The embedding names no provider.
    "langfuse": {"gpt-5.4": "0.00665", "text-embedding-3-small": None},
    # 1,000 and 200 counted by Helicone; an answer of 3,000 (2,000 cached) and 100. A cached answer is not billed.
    "helicone": {"gpt-5.4": "0.01"},
    # Three times 1,000 and 200; 1,000 (400 cached) and 200; 1,000 and 200 in a batch at half the price; and Haiku's
    # 100, 1,000 read beside it, 50.
    "jsonl": {"gpt-5.4": "0.02385", "claude-haiku-4-5": "0.00045"},
}


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTSPAN_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("COSTSPAN_CONFIG", raising=False)


def imported(ledger: Path, *words: object, code: int = 0) -> str:
    assert main(["import", *map(str, words), "--data", str(ledger)]) == code
    return str(ledger)


def told(capsys: pytest.CaptureFixture[str], ledger: Path, *words: object, code: int = 0):
    imported(ledger, *words, "--json", code=code)
    return json.loads(capsys.readouterr().out)


def report(capsys: pytest.CaptureFixture[str], ledger: Path, *words: str) -> list[dict]:
    capsys.readouterr()
    assert main(["report", "--data", str(ledger), "--since", "2026-10-01", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)["rows"]


def costs(capsys: pytest.CaptureFixture[str], ledger: Path) -> dict[str, str | None]:
    return {row["model"]: row["cost_usd"] for row in report(capsys, ledger)}


@pytest.mark.parametrize("form", COSTS)
def test_a_folder_costs_what_its_calls_cost_and_again_nothing(form: str, tmp_path: Path, capsys) -> None:
    first = told(capsys, tmp_path, FILES / form)
    assert costs(capsys, tmp_path) == COSTS[form]

    second = told(capsys, tmp_path, FILES / form, "--format", form)

    assert (second["calls"], second["duplicates"]) == (0, first["spans"])
    assert costs(capsys, tmp_path) == COSTS[form]


@pytest.mark.parametrize("form", COSTS)
def test_files_in_another_order_and_zipped_cost_the_same(form: str, tmp_path: Path, capsys) -> None:
    for number, file in enumerate(sorted((FILES / form).rglob("*.*"), reverse=True)):
        packed = tmp_path / "packed" / str(number) / f"{file.name}.gz"
        packed.parent.mkdir(parents=True)
        packed.write_bytes(gzip.compress(file.read_bytes()))
        imported(tmp_path / "ledger", packed)

    assert costs(capsys, tmp_path / "ledger") == COSTS[form]


def test_a_session_read_while_an_answer_is_written_counts_the_whole_answer_later(tmp_path: Path, capsys) -> None:
    session = next((FILES / "claude-code").rglob("*001.jsonl"))
    begun = tmp_path / "begun" / session.name
    begun.parent.mkdir()
    begun.write_bytes(b"".join(session.read_bytes().splitlines(keepends=True)[:3]))

    imported(tmp_path / "ledger", begun)
    assert [row["output_tokens"] for row in report(capsys, tmp_path / "ledger")] == [9]
    imported(tmp_path / "ledger", session)

    [row] = report(capsys, tmp_path / "ledger")
    assert (row["output_tokens"], row["calls"], row["duplicate_calls"]) == (311, 2, 1)


def test_an_agents_files_count_once_beside_its_own_telemetry(tmp_path: Path, capsys) -> None:
    """Claude Code's events name the request and its metrics the session; neither says the cache's time to live."""
    event = {
        "event.name": "api_request", "session.id": "5a0c0000-0000-4000-8000-000000000001",
        "model": "claude-sonnet-4-6", "input_tokens": 3, "output_tokens": 211, "cache_read_tokens": 8809,
        "cache_creation_tokens": 7885, "request_id": "req_01A", "duration_ms": 2800,
    }  # fmt: skip
    log = {
        "timeUnixNano": "1791194405900000000",
        "body": {"stringValue": "claude_code.api_request"},
        "attributes": [
            {"key": key, "value": {"intValue": said} if isinstance(said, int) else {"stringValue": said}}
            for key, said in event.items()
        ],
    }
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
    scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": [log]}
    telemetry = tmp_path / "telemetry.jsonl"
    telemetry.write_text(json.dumps({"resourceLogs": [{"resource": service, "scopeLogs": [scope]}]}))

    imported(tmp_path / "ledger", telemetry)
    # 9 + 2,642.7 + 7,885 at $3.75 + 3,165 millionths: the time to live is guessed.
    assert costs(capsys, tmp_path / "ledger") == {"claude-sonnet-4-6": "0.03538545"}
    imported(tmp_path / "ledger", FILES / "claude-code")

    assert costs(capsys, tmp_path / "ledger") == COSTS["claude-code"]


def test_who_a_call_was_for_is_read_from_every_kind(tmp_path: Path, capsys) -> None:
    ledger = tmp_path / "ledger"
    imported(ledger, FILES)

    assert {row["service"] for row in report(capsys, ledger, "--by", "service")} >= {
        "claude-code", "codex_cli_rs", "gemini-cli", "batcher",
    }  # fmt: skip
    assert {row["feature"] for row in report(capsys, ledger, "--by", "feature")} >= {"search", "faq"}
    assert {row["team"] for row in report(capsys, ledger, "--by", "team")} >= {"growth", "ops"}
    assert {row["tag.project"] for row in report(capsys, ledger, "--by", "tag.project")} == {"shop", None}
    assert {row["user"] for row in report(capsys, ledger, "--by", "user")} >= {"u-1", "u-3", "u-4", "u-9"}


def test_own_words_are_read_by_a_mapping(tmp_path: Path, capsys) -> None:
    line = {
        "meta": {"at": "2026-10-05T10:00:00Z", "took": 900, "request": "r-1", "tenant": "acme"},
        "llm": {"name": "gpt-5.4", "n": {"in": 1000, "kept": 400, "out": 200}},
    }
    logs, words = tmp_path / "app.jsonl", tmp_path / "words.yaml"
    logs.write_text(json.dumps(line) + "\n" + json.dumps(line | {"again": True}) + '\n{"other": 1}\n')
    words.write_text(
        "time: meta.at\nduration_ms: meta.took\nid: meta.request\nprovider: openai\nconvention: exclusive\n"
        "fields: {input: llm.n.in, cache_read: llm.n.kept, output: llm.n.out, model: llm.name,"
        " tag.tenant: meta.tenant}\n"
    )

    for _ in range(2):
        imported(tmp_path / "ledger", logs, "--map", words)

    # 1,000 beside 400 cached: $0.0025 + $0.0001 + $0.003.
    assert costs(capsys, tmp_path / "ledger") == {"gpt-5.4": "0.0056"}
    assert [row["tag.tenant"] for row in report(capsys, tmp_path / "ledger", "--by", "tag.tenant")] == ["acme"]


def test_a_mapping_of_the_folders_costspan_yaml_is_used_for_its_logs(tmp_path: Path, capsys) -> None:
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    fields = {"input": "acme.in", "output": "acme.out", "model": "acme.model"}
    entry = {"name": "acme", "scope": "acme.*", "provider": "openai", "fields": fields}
    (ledger / "costspan.yaml").write_text(json.dumps({"mappings": [entry]}))
    logs = tmp_path / "app.jsonl"
    logs.write_text(
        '{"ts": "2026-10-05T10:00:00Z", "acme.in": 1000, "acme": {"out": 200, "model": "gpt-5.4"}}\n', "utf-8"
    )

    imported(ledger, logs)

    assert costs(capsys, ledger) == {"gpt-5.4": "0.0055"}


def test_bad_rows_are_named_and_their_neighbours_taken(tmp_path: Path, capsys) -> None:
    good = (FILES / "jsonl" / "app.jsonl").read_text().splitlines()[1]
    no_time = json.dumps({"model": "gpt-5.4", "usage": {"input": 1, "output": 1}})
    lines = tmp_path / "app.jsonl"
    lines.write_text("\n".join([good, "{cut", "12:00 INFO started", no_time]))
    array = tmp_path / "array.json"
    array.write_text(f"[\n{good.replace('Answer01', 'Answer99')},\n{no_time},\n {{cut ]")
    table = tmp_path / "table.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["response_id", "response_created_at", "model"], ["a", "never", "m"], [1, 2, 3, 4]])

    said = told(capsys, tmp_path / "ledger", lines, array, table, code=1)

    assert sorted(bad["place"] for bad in said["refused_lines"]) == [
        f"{lines}:2", f"{lines}:3", f"{lines}:4", f"{array}:3", f"{array}:4", f"{table}:2", f"{table}:3",
    ]  # fmt: skip
    assert costs(capsys, tmp_path / "ledger") == {"gpt-5.4": "0.011"}


def test_a_file_of_no_known_kind_is_refused_and_says_what_to_do(tmp_path: Path, capsys) -> None:
    (tmp_path / "people.json").write_text('[{"name": "Ada"}]')

    imported(tmp_path / "ledger", tmp_path / "people.json", code=1)

    assert "people.json: nothing that is known in its first 1 rows; name what it is with --format" in (
        capsys.readouterr().err
    )


def test_patterns_and_an_agents_usual_place_are_found(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex-home"))
    shutil.copytree(FILES / "codex", tmp_path / "codex-home" / "sessions")

    imported(tmp_path / "one", "--format", "codex")
    imported(tmp_path / "other", tmp_path / "codex-home" / "**" / "rollout-*.jsonl")

    assert costs(capsys, tmp_path / "one") == costs(capsys, tmp_path / "other") == COSTS["codex"]


def test_an_import_into_a_running_server_is_the_same(server, tmp_path: Path, capsys) -> None:
    for _ in range(2):
        assert main(["import", str(FILES), "--url", f"http://{server.url}"]) == 0

    found = {row["model"]: row["cost_usd"] for row in server.spend(group_by="model")["rows"]}
    # Codex, Langfuse, Helicone and the logs together.
    assert found["gpt-5.4"] == "0.089"
    assert found["claude-sonnet-4-6"] == COSTS["claude-code"]["claude-sonnet-4-6"]


def test_nothing_that_was_said_is_sent(tmp_path: Path) -> None:
    from costspan.cli.importers import Importers
    from costspan.cli.importers.base import Piece
    from costspan.cli.importers.rows import inputs
    from costspan.cli.importers.sink import request_of

    found = [one for source in inputs([str(FILES)]) for one in Importers().read(source)]
    sent = [request_of([piece]) for piece in found if isinstance(piece, Piece)]

    assert len(sent) > 20
    assert b"SECRET" not in b"".join(sent)
