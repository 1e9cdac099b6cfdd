"""Several receivers over one ledger on ClickHouse: whoever is killed, nothing is lost, counted twice or told twice."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from alert_receivers import Webhook, calls, receiving, settings
from ledger_rows import costspan, document

from clickhouse_node import needs_clickhouse
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.testing.doubled_trace import doubled_trace
from costspan.testing.otlp import protobuf_body
from serving import JSON, Server, run_serve

Start = Callable[..., Server]
pytestmark = needs_clickhouse
TRACES, CALLS_OF_A_TRACE, RECEIVERS, KILLS = 40, 2, 3, 3
PATIENCE_S = 60
FORWARD = "forward:\n  - {endpoint: 'http://127.0.0.1:9'}\n"
HALF_PRICE = 'prices:\n  - {provider: openai, model: "gpt-4o*", multiply: "0.5"}\n'
SINCE = ("--since", "2026-01-01")
ALERT = """notifiers:
  hook: {{webhook: '{hook}'}}
alerts:
  - {{name: many, measure: calls, where: {{team: paged}}, above: 2, window: 1h, every: 5s, delay: 0s, notify: [hook]}}
"""
SETTLES = "this process settles from now on"


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with receiving() as webhook:
        yield webhook


class Sender(threading.Thread):
    """Sends bodies to whichever receiver takes them, each until it is acknowledged, and then once more."""

    def __init__(self, servers: list[Server], bodies: Iterable[bytes], seed: int) -> None:
        super().__init__()
        self._servers, self._bodies, self._random = servers, list(bodies), Random(seed)
        self.acknowledged = 0

    def run(self) -> None:
        """Send all of them."""
        for body in self._bodies:
            for _ in range(self._random.choice((1, 1, 2))):
                while not self._takes(body):
                    time.sleep(0.05)
            self.acknowledged += 1

    def _takes(self, body: bytes) -> bool:
        try:
            return self._random.choice(self._servers).send(body).status == 200
        except (OSError, http.client.HTTPException):
            return False


def parts_of_traces(random: Random) -> list[bytes]:
    """Return traces in which calls are told twice, each cut into requests, in no order."""
    bodies = []
    for number in range(1, TRACES + 1):
        spans = list(doubled_trace(f"{number:04x}{random.getrandbits(112):028x}").values())
        random.shuffle(spans)
        bodies += [protobuf_body(spans[:2]), protobuf_body(spans[2:3]), protobuf_body(spans[3:])]
    random.shuffle(bodies)
    return bodies


def totals(server: Server) -> Any:
    """Return what all is added up to, by all that tells calls apart here."""
    document = server.spend(group_by="model,feature,service")
    return document["total"], document["rows"]


def settled(server: Server, count: int) -> Any:
    """Return the totals once so many calls count, or what there is when patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := totals(server))[0]["calls"] != count and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def who_settles(servers: list[Server]) -> int:
    """Return the place of the server that said last that it settles."""
    said = {
        place: [line for line in each.errors().splitlines() if SETTLES in line] for place, each in enumerate(servers)
    }
    return max((place for place in said if said[place]), key=lambda place: said[place][-1])


def test_receivers_and_the_settling_process_are_killed_and_all_is_counted_and_told_once(
    node, start_server: Start, tmp_path: Path, hook: Webhook
) -> None:
    random, url = Random(9), node.url()
    bodies = [calls(3, team="paged"), *parts_of_traces(random)]
    options = ("--store", url, "--no-grpc", "--config", settings(tmp_path, ALERT.format(hook=hook.url)))
    servers = [start_server(*options, name=f"receiver{place}") for place in range(RECEIVERS)]
    senders = [Sender(servers, bodies[place::4], place) for place in range(4)]
    for sender in senders:
        sender.start()
    for kill in range(1, KILLS + 1):
        while sum(sender.acknowledged for sender in senders) < len(bodies) * kill // (KILLS + 1):
            time.sleep(0.05)
        place = who_settles(servers) if kill % 2 else random.randrange(RECEIVERS)
        servers[place].kill()
        servers[place] = start_server(*options, name=f"receiver{place}")
    for sender in senders:
        sender.join()
    alone = start_server(name="alone")
    for body in bodies:
        assert alone.send(body).status == 200
    expected = totals(alone)
    assert expected[0]["calls"] == TRACES * CALLS_OF_A_TRACE + 3
    for server in servers:
        assert settled(server, expected[0]["calls"]) == expected
        assert "Traceback" not in server.errors()
    # Who takes over rolls up what is there: whatever a kill cut off, the roll-ups are what the rows add up to.
    verdict = servers[0].request("POST", "/api/v1/verify", b"{}", Content_Type=JSON).document
    assert (verdict["well"], verdict["findings"]) == (True, [])
    ledger = ClickHouseStore(parse_target(url))
    assert ledger.connection.rows("SELECT count() > 0 FROM rollups") == [(True,)]
    ledger.close()
    told = hook.wait(len)
    # One that a kill cut off is sent again, under its id.
    assert {(each.id, *each.alerts) for each in told} == {(told[0].id, ("many", "firing"))}


def test_the_tables_of_a_ledger_on_clickhouse_are_those_of_a_file(node, start_server: Start) -> None:
    servers = [start_server("--no-grpc", "--store", node.url(), name="cluster"), start_server("--no-grpc", name="file")]
    exported, body = [], calls(3, team="paged")
    for server in servers:
        assert server.send(body).status == 200
        assert settled(server, 3)[0]["calls"] == 3
        for words in (("--table", "charges", "--format", "csv"), ("--format", "focus")):
            made = costspan("export", *words, "--url", f"http://{server.url}", *SINCE)
            assert made.returncode == 0, made.stderr
            exported.append([line.split(",") for line in made.stdout.splitlines()])
    charges, focus, charges_of_file, focus_of_file = exported
    posted_at = charges[0].index("posted_at")
    assert len(charges) > 3
    assert [[*row[:posted_at], *row[posted_at + 1 :]] for row in charges] == [
        [*row[:posted_at], *row[posted_at + 1 :]] for row in charges_of_file
    ]
    assert focus == focus_of_file
    assert not list(servers[0].data.glob("export-*"))


def test_the_process_that_settles_corrects_prices_and_goes_on_with_them(
    node, start_server: Start, tmp_path: Path
) -> None:
    file = Path(settings(tmp_path, "closed_until: 2026-01-31\n"))
    options = ("--store", node.url(), "--no-grpc", "--config", str(file))
    settles, stands_by = (start_server(*options, name=name) for name in ("settles", "stands-by"))
    assert settles.send(calls(3)).status == 200
    full = settled(settles, 3)
    url, other_url = f"http://{settles.url}", f"http://{stands_by.url}"
    file.write_text(file.read_text("utf-8") + HALF_PRICE, "utf-8")

    looked = document("reprice", "--dry-run", "--url", other_url)
    refused = costspan("reprice", "--apply", "--url", other_url)
    applied = document("reprice", "--apply", "--url", url)
    assert "another process settles this ledger" in refused.stderr
    assert looked["total"] == applied["total"]
    assert applied["corrected_entries"] == 3
    assert cost(totals(stands_by)) * 2 == cost(full)
    assert stands_by.send(calls(1)).status == 200
    assert cost(settled(settles, 4)) * 6 == cost(full) * 4
    settles.kill()
    deadline = time.monotonic() + PATIENCE_S
    while (undone := costspan("reprice", "--undo", applied["run"]["run_id"], "--url", other_url)).returncode != 0:
        assert time.monotonic() < deadline, undone.stderr
    assert cost(totals(stands_by)) * 6 == cost(full) * 7


def cost(found: Any) -> Decimal:
    """Return what `totals` cost."""
    return Decimal(found[0]["cost_usd"])


def test_what_a_ledger_on_clickhouse_has_not_got_is_refused_by_name(node, start_server: Start, tmp_path: Path) -> None:
    url = node.url()
    (tmp_path / "asks").mkdir()
    (tmp_path / "asks" / "costspan.yaml").write_text(FORWARD, encoding="utf-8")
    refused = run_serve(tmp_path / "asks", "--store", url)
    assert refused.returncode == 2
    assert "forward: does nothing yet for a ledger on ClickHouse" in refused.stderr
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "costspan.yaml").write_text(f"store: {url}\n", encoding="utf-8")
    server = start_server("--no-grpc", name="named")
    answer = server.request("POST", "/api/v1/replay", b'{"dry_run": true}', Content_Type=JSON)
    assert (answer.status, "ClickHouse" in answer.document["detail"]) == (400, True)


def test_a_server_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path) -> None:
    refused = run_serve(tmp_path / "data", "--store", "clickhouse://me:secret@127.0.0.1:1/ledger")
    assert refused.returncode == 3
    assert "clickhouse://127.0.0.1:1/ledger" in refused.stderr
    assert "secret" not in refused.stderr
