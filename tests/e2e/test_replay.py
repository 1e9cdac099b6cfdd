"""Telemetry that was not understood when it came is read again: the ledger is then as if it had been understood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from ledger_rows import costspan, document, every_total

from bodies import PLAIN_CALL, as_json, protobuf, span
from corpus import CASES, PAYLOAD
from costspan.server.assembly import open_pipeline
from serving import JSON, PROTOBUF, Server

Start = Callable[..., Server]

MAPPING = """
mappings:
  - name: acme
    scope: acme.*
    provider: openai
    fields: {input: acme.tokens.in, output: acme.tokens.out, requested_model: acme.engine, feature: acme.purpose}
"""
SWAPPED = MAPPING.replace(
    "input: acme.tokens.in, output: acme.tokens.out", "input: acme.tokens.out, output: acme.tokens.in"
)
ACME = {
    "acme.tokens.in": 1_000,
    "acme.tokens.out": 100,
    "acme.engine": "gpt-4o-mini",
    "acme.purpose": "search",
    "acme.question": "Who is Ada?",
}


def acme_calls() -> bytes:
    """A trace: a root, a span in a vocabulary nobody knows yet, and a known one below it that reports the same call."""
    return protobuf(
        [
            span({}, number=1, trace_id=b"\1" * 16),
            span(ACME, number=2, trace_id=b"\1" * 16, parent_span_id=(1).to_bytes(8, "big")),
            span(PLAIN_CALL, number=3, trace_id=b"\1" * 16, parent_span_id=(2).to_bytes(8, "big")),
            span({**ACME, "acme.tokens.in": 5_000}, number=4),
        ],
        scope="acme.sdk",
    )


def figures(folder: Path) -> dict[str, Any]:
    """Return everything the ledger in `folder` says, by day and every dimension."""
    return every_total(folder, until="2026-11-20T00:00:00Z")


def loaded(folder: Path, config: str, *bodies: bytes) -> Path:
    """Return `folder` with a ledger that took `bodies` under a configuration."""
    folder.mkdir()
    (folder / "costspan.yaml").write_text(config)
    with open_pipeline(folder) as pipeline:
        for body in bodies:
            pipeline.take(body, PROTOBUF)
    return folder


def test_a_mapping_added_later_makes_the_calls_appear_as_in_a_fresh_ledger(tmp_path: Path) -> None:
    late = loaded(tmp_path / "late", "", acme_calls())
    fresh = loaded(tmp_path / "fresh", MAPPING, acme_calls())
    before = figures(late)
    assert before != figures(fresh)
    (late / "costspan.yaml").write_text(MAPPING)

    dry = document("replay", "--dry-run", "--data", str(late))
    assert (dry["new_calls"], dry["changed_calls"], dry["difference_usd"]) == (2, 0, "0.00081")
    assert figures(late) == before
    applied = document("replay", "--data", str(late))
    assert applied == dry | {"dry_run": False}
    assert figures(late) == figures(fresh)
    assert costspan("verify", "--data", str(late)).returncode == 0

    again = document("replay", "--data", str(late))
    assert (again["new_calls"], again["changed_calls"], again["corrected_entries"]) == (0, 0, 0)


def test_a_corrected_mapping_changes_figures_and_a_removed_one_takes_the_calls_back(tmp_path: Path) -> None:
    folder = loaded(tmp_path / "one", SWAPPED, acme_calls())
    right = loaded(tmp_path / "right", MAPPING, acme_calls())
    nothing = loaded(tmp_path / "nothing", "", acme_calls())

    (folder / "costspan.yaml").write_text(MAPPING)
    assert document("replay", "--data", str(folder))["changed_calls"] == 2
    assert figures(folder) == figures(right)
    (folder / "costspan.yaml").write_text("")
    assert document("replay", "--data", str(folder))["lost_calls"] == 2
    assert figures(folder) == figures(nothing)


def test_a_running_server_reads_again_what_it_has_and_anew_what_comes(start_server: Start) -> None:
    server = start_server()
    server.send(acme_calls())
    assert server.spend()["total"]["calls"] == 1
    (server.data / "costspan.yaml").write_text(MAPPING)
    told = costspan("replay", "--url", f"http://{server.url}")
    assert (told.returncode, told.stderr) == (0, "")
    assert "2 calls that were not known" in told.stdout
    assert server.spend()["total"]["calls"] == 2
    server.send(acme_calls())
    server.send(protobuf([span(ACME, number=9)], scope="acme.sdk"))
    total = server.spend()["total"]
    assert (total["calls"], total["duplicate_calls"]) == (3, 1)


def test_only_what_began_in_the_period_is_read_again(tmp_path: Path) -> None:
    folder = loaded(tmp_path / "one", "", acme_calls())
    (folder / "costspan.yaml").write_text(MAPPING)
    assert document("replay", "--since", "2026-11-02", "--data", str(folder))["new_calls"] == 0
    assert document("replay", "--until", "2026-11-01", "--data", str(folder))["new_calls"] == 2


def test_what_was_said_is_not_on_the_disk(tmp_path: Path) -> None:
    secret = {
        "gen_ai.input.messages": '[{"content": "Ada is ill"}]',
        "acme.question": "Is Ada ill?",
        "acme.answer": "Yes",
    }
    folder = loaded(tmp_path / "one", "", protobuf([span({**PLAIN_CALL, **secret}), span({**ACME, **secret})]))
    with duckdb.connect(str(folder / "ledger.duckdb"), read_only=True) as connection:
        frames = [frame for (frame,) in connection.execute("SELECT frame FROM received").fetchall()]
    assert frames
    held = b"".join(map(unpacked, frames))
    assert b"gpt-4o-mini" in held
    assert not any(word in held for word in (b"ill", b"Yes"))


def unpacked(frame: bytes) -> bytes:
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return zstd.decompress(frame)


def test_nothing_is_kept_where_the_retention_says_so(tmp_path: Path) -> None:
    folder = loaded(tmp_path / "one", "retention: {raw: 0d}", acme_calls())
    told = costspan("replay", "--data", str(folder))
    assert (told.returncode, told.stdout.split(";")[0]) == (0, "There are no received records of that time")


def test_recorded_telemetry_of_every_dialect_is_read_again_as_it_was(start_server: Start) -> None:
    server = start_server()
    for folder in sorted(case for case in CASES.iterdir() if case.is_dir()):
        for path in sorted(folder.iterdir()):
            if named := PAYLOAD.fullmatch(path.name):
                kind = JSON if named[2] == "json" else PROTOBUF
                sent = server.request("POST", f"/v1/{named[1]}", path.read_bytes(), Content_Type=kind)
                assert sent.status == 200
    found = document("replay", "--dry-run", "--url", f"http://{server.url}")
    assert found["records"] > 100
    assert (found["new_calls"], found["changed_calls"], found["lost_calls"]) == (0, 0, 0)


def test_json_and_protobuf_are_kept_alike(start_server: Start) -> None:
    server = start_server()
    assert server.send(as_json([span(ACME)], scope="acme.sdk"), JSON).status == 200
    (server.data / "costspan.yaml").write_text(MAPPING)
    assert document("replay", "--url", f"http://{server.url}")["new_calls"] == 1


def test_calls_that_appear_are_those_of_the_tenants_that_sent_them(tmp_path: Path) -> None:
    folder, fresh = tmp_path / "late", tmp_path / "fresh"
    for ledger, words in ((folder, ""), (fresh, MAPPING)):
        ledger.mkdir()
        (ledger / "costspan.yaml").write_text(words)
        with open_pipeline(ledger) as pipeline:
            for tenant in ("north", "south"):
                pipeline.start(acme_calls(), PROTOBUF, tenant=tenant).committed.result()
    (folder / "costspan.yaml").write_text(MAPPING)
    assert document("replay", "--data", str(folder))["new_calls"] == 4
    assert calls_by_tenant(folder) == calls_by_tenant(fresh) == [("north", 2), ("south", 2)]
    assert figures(folder) == figures(fresh)


def calls_by_tenant(folder: Path) -> list[tuple[str, int]]:
    query = "SELECT tenant, sum(sign) FROM calls WHERE role = 'owner' GROUP BY tenant ORDER BY tenant"
    with duckdb.connect(str(folder / "ledger.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_what_comes_after_is_settled_with_records_as_they_are_read_now(start_server: Start) -> None:
    server = start_server()
    (server.data / "costspan.yaml").write_text(MAPPING)
    server.send(protobuf([span(ACME, number=2, trace_id=b"\1" * 16)], scope="acme.sdk"))
    assert costspan("replay", "--url", f"http://{server.url}").returncode == 0
    inner = span(PLAIN_CALL, number=3, trace_id=b"\1" * 16, parent_span_id=(2).to_bytes(8, "big"))
    server.send(protobuf([inner], scope="acme.sdk"))
    (server.data / "costspan.yaml").write_text("")
    assert costspan("replay", "--url", f"http://{server.url}").returncode == 0
    server.send(protobuf([span(PLAIN_CALL, number=4, trace_id=b"\1" * 16)], scope="acme.sdk"))
    total = server.spend()["total"]
    assert (total["calls"], total["duplicate_calls"]) == (2, 0)
    (server.data / "costspan.yaml").write_text(MAPPING)
    found = document("replay", "--dry-run", "--url", f"http://{server.url}")
    assert (found["new_calls"], found["changed_calls"], found["lost_calls"]) == (1, 0, 0)
