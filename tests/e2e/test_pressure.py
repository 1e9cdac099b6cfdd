"""Too many, too large, too slow: senders are told to come back, memory stays bounded, and others are served."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from google.rpc.status_pb2 import Status

from bodies import protobuf, span
from costspan.core.clock import system_clock
from costspan.pricing.load import load_rate_card
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.settlement.rules import SettlingRules
from costspan.server.alerts.alerting import Alerting
from costspan.server.alerts.conditions.base import Sources
from costspan.server.config import ServerConfig
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.committer import QUEUED_REQUESTS, Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.replay import ReadingSettings, Replay
from costspan.server.pipeline.repricing import PriceSettings, Repricing
from costspan.server.receiver.gate import Gate
from costspan.server.receiver.in_flight import Limits
from costspan.server.receiver.intake import Intake
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.store.duckdb.alerts import DuckDBAlerts
from costspan.server.store.duckdb.export import DuckDBTables
from costspan.server.store.duckdb.reconciliations import DuckDBReconciliations
from costspan.server.store.duckdb.replay import DuckDBReplay
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.upkeep import Retention
from costspan.server.web.api.live import LiveFeed
from costspan.server.web.app import Parts, make_app
from costspan.server.web.metrics import ServerMetrics
from serving import PROTOBUF, Server

Start = Callable[..., Server]
MEGABYTE = 1024 * 1024
POST = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n"


def with_limits(tmp_path: Path, text: str) -> Sequence[str]:
    """Write a settings file and return the option that names it."""
    settings = tmp_path / "own.yaml"
    settings.write_text(f"limits: {text}\n")
    return ("--config", str(settings))


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits for a second only."""
    folder = tmp_path_factory.mktemp("impatient")
    running = Server(folder / "data", *with_limits(folder, "{receive_timeout_s: 1}"))
    yield running
    running.kill()


def connect(server: Server, sent: bytes) -> socket.socket:
    """Open a connection and send the beginning of a request on it."""
    host, _, port = server.url.partition(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(sent)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Return what the server says until it ends the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_thousand_slow_senders_hold_up_nobody(shared_server: Server) -> None:
    body = protobuf([span()], service="beside the slow")
    beginnings = (POST[:40], POST % len(body) + body[:-10], b"", POST % (20 * MEGABYTE) + b"\n")
    with ExitStack() as open_ones:
        for number in range(1000):
            open_ones.enter_context(connect(shared_server, beginnings[number % 4]))
        assert shared_server.send(body).status == 200
        assert shared_server.get("/healthz").status == 200
        assert shared_server.spend(filter="service:beside the slow")["total"]["calls"] == 1
    assert shared_server.get("/readyz").status == 200
    assert "Traceback" not in shared_server.errors()


SILENT = {
    "nothing": b"",
    "half a method": b"PO",
    "half the headers": POST[:60],
    "half the headers of a second request": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + POST[:60],
}


@pytest.mark.parametrize("case", SILENT)
def test_headers_that_do_not_come_end_the_connection(impatient: Server, case: str) -> None:
    with connect(impatient, SILENT[case]) as connection:
        said = read_all(connection)
    assert said.count(b"HTTP/1.1") == said.count(b"HTTP/1.1 200") == SILENT[case].count(b"healthz")


def test_headers_without_end_end_the_connection(shared_server: Server) -> None:
    line = b"X-More: " + b"x" * 1000 + b"\r\n"
    with (
        connect(shared_server, b"GET /healthz HTTP/1.1\r\n") as connection,
        pytest.raises(OSError, match=r"pipe|reset"),
    ):
        connection.sendall(line * 100_000)
    assert shared_server.get("/healthz").status == 200


def test_a_body_that_does_not_come_may_be_sent_again(impatient: Server) -> None:
    body = protobuf([span()])
    with connect(impatient, POST % len(body) + body[:-10]) as connection:
        head, _, refused = read_all(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert b"retry-after: " in head.lower()
    assert Status.FromString(refused).code == 14
    assert impatient.send(body).status == 200
    assert impatient.ingest()["refused_requests"] == {"TooSlow": 1}


def test_the_body_of_a_question_is_bounded_too(impatient: Server) -> None:
    question = b"POST /api/v1/reprice HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    with connect(impatient, question + b"Content-Length: 100\r\n\r\n{") as connection:
        assert connection.recv(12) == b"HTTP/1.1 408"
    too_large = impatient.request("POST", "/api/v1/reprice", b" " * 2 * MEGABYTE, Content_Type="application/json")
    assert (too_large.status, too_large.document["status"]) == (413, 413)


def held_bytes(server: Server) -> float:
    lines = server.get("/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("costspan_in_flight_bytes "))


def test_what_requests_in_flight_hold_together_is_bounded(start_server: Start, tmp_path: Path) -> None:
    server = start_server(*with_limits(tmp_path, f"{{in_flight_bytes: {84 * MEGABYTE}}}"))
    body = b"\0" * (20 * MEGABYTE)
    with ExitStack() as open_ones:
        held = [open_ones.enter_context(connect(server, POST % len(body) + body[:-1])) for _ in range(4)]
        deadline = time.monotonic() + 10  # until what has come of them is read
        while held_bytes(server) < 4 * (len(body) - 1) and time.monotonic() < deadline:
            pass
        refused = server.send(body)
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert server.rss_bytes() < 400 * MEGABYTE
        assert server.send(protobuf([span()])).status == 200
        for connection in held:
            connection.sendall(b"\0")
            assert connection.recv(12) == b"HTTP/1.1 400"
    assert server.send(body).status == 400
    assert server.ingest()["refused_requests"]["Busy"] == 1


@contextmanager
def stopped_ledger(data: Path) -> Iterator[tuple[httpx.ASGITransport, threading.Event]]:
    """Yield an application whose writing thread is busy until the event is set."""
    store = DuckDBStore(data)
    committer = Committer(store, load_rate_card())
    pipeline = Pipeline(committer, IngestCounters(system_clock))
    prices = PriceSettings(load_rate_card(), None, data / "costspan.yaml")
    repricing = Repricing(committer, DuckDBRepricing(store), lambda: prices, system_clock)
    intake = Intake(pipeline, Limits(in_flight_requests=10_000))
    parts = Parts(
        config=ServerConfig(data=data),
        store=store,
        pipeline=pipeline,
        repricing=repricing,
        caretaker=Caretaker(committer.write, DuckDBUpkeep(store), Retention(), system_clock),
        replay=Replay(pipeline, committer, DuckDBReplay(store), lambda: ReadingSettings(DIALECTS, SettlingRules())),
        reconciler=Reconciler(store, DuckDBReconciliations(store), load_rate_card, tuple, system_clock),
        tables=DuckDBTables(store),
        alerting=Alerting(
            (), {}, Sources(ledger=store), DuckDBAlerts(store, system_clock), committer.write, system_clock, ""
        ),
        intake=intake,
        gate=Gate(),
        metrics=ServerMetrics(),
        live=LiveFeed(pipeline.counters),
        clock=system_clock,
    )
    app = make_app(parts)
    busy, go_on = threading.Event(), threading.Event()
    committer.between_commits(lambda _: (busy.set(), go_on.wait()))
    busy.wait()
    try:
        yield httpx.ASGITransport(app), go_on
    finally:
        go_on.set()
        intake.close()
        pipeline.close()
        store.close()


async def flood(transport: httpx.ASGITransport, go_on: threading.Event, surplus: int) -> dict[str, list[int]]:
    """Send so many more requests than can wait; return the status codes that were answered, by when."""
    said: dict[str, list[int]] = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://a", timeout=60) as client:

        async def send(number: int) -> int:
            body = protobuf([span()], service=f"flood {number}")
            return (await client.post("/v1/traces", content=body, headers={"content-type": PROTOBUF})).status_code

        waiting = {asyncio.create_task(send(number)) for number in range(QUEUED_REQUESTS + surplus)}
        refused: set[asyncio.Task[int]] = set()
        while len(refused) < surplus:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused |= done
        said["refused while full"] = [task.result() for task in refused]
        said["asked while full"] = [
            (await client.get(path)).status_code for path in ("/healthz", "/readyz", "/api/v1/spend")
        ]
        go_on.set()
        said["answered after"] = list(await asyncio.gather(*waiting))
        said["asked after"] = [(await client.get("/readyz")).status_code]
    return said


def test_a_full_queue_refuses_and_answers_questions(tmp_path: Path) -> None:
    with stopped_ledger(tmp_path / "data") as (transport, go_on):
        said = asyncio.run(flood(transport, go_on, 20))
    assert said["refused while full"] == [503] * 20
    assert said["asked while full"] == [200, 503, 200]
    assert said["answered after"] == [200] * QUEUED_REQUESTS
    assert said["asked after"] == [200]
