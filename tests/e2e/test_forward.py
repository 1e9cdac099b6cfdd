"""What was received goes on with its cost: once, in spite of outages and kills, and the same money arrives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_rows import costspan
from otlp_receiver import OtlpReceiver

from bodies import PLAIN_CALL, PLAIN_CALL_USD, protobuf, span
from costspan.core.clock import system_clock
from costspan.testing.demo_traffic import DemoTraffic
from costspan.testing.otlp import protobuf_body
from serving import Server

Start = Callable[..., Server]
DEADLINE_S = 40
SPEND = "/api/v1/spend?since=2026-10-01&group_by=model,feature"


def settings(folder: Path, endpoint: str, **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "forward.yaml"
    file.write_text(json.dumps({"forward": [{"endpoint": endpoint, "delay_s": 0, **more}]}), "utf-8")
    return file


def until(holds: Callable[[], bool], found: Callable[[], object] = lambda: "it did not come") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, found()
        time.sleep(0.05)


def money(server: Server) -> list[dict[str, Any]]:
    told = ("model", "feature", "calls", "cost_usd", "list_cost_usd", "duplicate_calls", "unpriced_calls", "errors")
    rows = server.get(SPEND).document["rows"]
    return sorted(({key: row[key] for key in told} for row in rows), key=str)


@pytest.fixture
def spans() -> list[Any]:
    now = system_clock().replace(minute=0, second=0, microsecond=0)
    return list(DemoTraffic(now=now, calls_per_day=3000).spans(now - timedelta(hours=3), now))


def test_a_second_ledger_comes_to_the_same_money_although_the_first_is_killed(
    start_server: Start, tmp_path: Path, spans: list[Any]
) -> None:
    second = start_server(name="second")
    first = start_server("--config", settings(tmp_path, f"http://{second.url}"), name="first")
    bodies = [protobuf_body(spans[at : at + 100]) for at in range(0, len(spans), 100)]
    for body in bodies[: len(bodies) // 2]:
        assert first.send(body).status == 200
    first.kill()
    first = start_server("--config", settings(tmp_path, f"http://{second.url}"), name="first")
    for body in bodies[len(bodies) // 2 :] + bodies[:3]:
        assert first.send(body).status == 200

    until(
        lambda: money(second) == money(first),
        lambda: "\n".join(f"{a}\n{b}" for a, b in zip(money(second), money(first), strict=False) if a != b),
    )

    assert len(money(first)) > 5


def test_two_ledgers_that_forward_to_each_other_come_to_rest(start_server: Start, tmp_path: Path) -> None:
    second = start_server(name="second")
    first = start_server("--config", settings(tmp_path / "1", f"http://{second.url}"), name="first")
    port = second.url.rpartition(":")[2]
    second.stop()
    second = start_server("--config", settings(tmp_path / "2", f"http://{first.url}"), "--port", port, name="second")
    assert first.send(protobuf([span(), span()])).status == 200

    until(lambda: first.ingest()["retransmitted"] == 2)

    assert (first.spend()["total"]["calls"], second.spend()["total"]["calls"]) == (2, 2)
    assert second.ingest()["retransmitted"] == 0


def test_cost_is_added_duplicates_are_marked_and_no_content_leaves(start_server: Start, tmp_path: Path) -> None:
    with OtlpReceiver() as receiver:
        server = start_server("--config", settings(tmp_path, receiver.endpoint, drop=["user.id"]))
        call = PLAIN_CALL | {
            "gen_ai.response.id": "r-1", "gen_ai.input.messages": "a secret question", "user.id": "u-42",
            "feature": "search",
        }  # fmt: skip
        unknown = PLAIN_CALL | {"gen_ai.request.model": "no-such-model"}
        assert server.send(protobuf([span(call), span(call), span(unknown)])).status == 200
        until(lambda: len(receiver.spans) == 3)
        sent = receiver.spans
        told = server.get("/metrics").body.decode()
    costs = [each.attributes.get("gen_ai.usage.cost_usd") for each in sent]
    assert sorted(costs, key=str) == [float(PLAIN_CALL_USD), None, None]
    [second] = [each for each in sent if each.attributes.get("costspan.role") == "duplicate"]
    [owner] = [each for each in sent if each.attributes.get("gen_ai.usage.cost_usd")]
    assert second.attributes["costspan.duplicate_of"] == owner.span_id
    assert {each.attributes.get("costspan.price_status") for each in sent} == {"priced", "unpriced", None}
    assert owner.attributes["feature"] == "search"
    assert "secret" not in str([body for _, body in receiver.bodies])
    assert not [each for each in sent if "user.id" in each.attributes]
    assert 'costspan_forwarded_records_total{target="' in told


def test_an_outage_delays_and_loses_nothing_and_what_is_refused_for_good_is_passed_over(
    start_server: Start, tmp_path: Path
) -> None:
    with OtlpReceiver(status=503) as receiver:
        server = start_server("--config", settings(tmp_path, receiver.endpoint))
        assert server.send(protobuf([span()])).status == 200
        until(lambda: receiver.attempts >= 2)
        receiver.status = 200
        until(lambda: len(receiver.spans) == 1)
        receiver.status = 400
        before = receiver.attempts
        assert server.send(protobuf([span()])).status == 200
        until(lambda: receiver.attempts > before)
        receiver.status = 200
        assert server.send(protobuf([span({**PLAIN_CALL, "feature": "after"})])).status == 200
        until(lambda: len(receiver.spans) == 2)
        assert receiver.spans[-1].attributes["feature"] == "after"
        until(lambda: b"costspan_forward_refused_records_total" in server.get("/metrics").body)


def test_langfuse_gets_what_its_endpoint_documents(start_server: Start, tmp_path: Path) -> None:
    with OtlpReceiver() as receiver:
        endpoint = f"{receiver.endpoint}/api/public/otel"
        file = settings(
            tmp_path,
            endpoint,
            format="langfuse",
            duplicates="drop",
            headers={"Authorization": "Basic ${LANGFUSE_AUTH}"},
        )
        server = start_server("--config", file, LANGFUSE_AUTH="cGs6c2s=")
        call = PLAIN_CALL | {"gen_ai.response.id": "r-2"}
        assert server.send(protobuf([span(call), span(call)])).status == 200
        until(lambda: len(receiver.spans) == 1)
        [sent] = receiver.spans
        [(path, _)] = receiver.bodies
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert path == "/api/public/otel/v1/traces"
    assert headers["x-langfuse-ingestion-version"] == "4"
    assert headers["authorization"] == "Basic cGs6c2s="
    assert headers["content-type"] == "application/x-protobuf"
    costs = json.loads(sent.attributes["langfuse.observation.cost_details"])
    assert costs == {"input": 0.00015, "output": 0.00006, "total": 0.00021}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"endpoint": "grpc://x"}, "endpoint: http(s)://host:port"),
        ({"endpoint": "http://u:p@x"}, "without user or password"),
        ({"endpoint": "http://x", "colour": 1}, "unknown key 'colour'"),
        ({"endpoint": "http://x", "headers": {"A": "${NOT_THERE}"}}, "the environment has no NOT_THERE"),
        ({"endpoint": "http://x", "duplicates": "keep"}, "duplicates: send"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_entry_and_key(
    tmp_path: Path, entry: dict[str, Any], said: str
) -> None:
    file = tmp_path / "costspan.yaml"
    file.write_text(json.dumps({"forward": [entry]}), "utf-8")
    done = costspan("serve", "--config", str(file), "--data", str(tmp_path / "data"), "--port", "0", "--no-grpc")
    assert done.returncode != 0
    assert "forward entry 1" in done.stderr
    assert said in done.stderr
