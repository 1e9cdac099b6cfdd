"""Everyone who uses one server at once: exporters that also repeat themselves, dashboards, and one who checks."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from soak_traffic import KNOWN_CALLS, Batch, known_calls

from serving import PROTOBUF

EXPORTERS = 4
DASHBOARDS = 2
QUESTION_EVERY_S = 0.25
GIVE_UP_AFTER_S = 120
REPEATED = 0.1
"""The share of batches an exporter sends once more, because the answer was lost to it."""
FIRST_HOUR = "since=2026-11-02T00:00:00Z&until=2026-11-02T01:00:00Z"
"""The window of every question: what reading takes grows with what is read, and is not what the soak looks for."""
DAY_OF_THE_KNOWN = "since=2026-11-01&until=2026-11-01"
QUESTIONS = (
    f"spend?{FIRST_HOUR}&interval=1d&group_by=model",
    f"spend?{FIRST_HOUR}&interval=1h&group_by=team,feature",
    f"spend?{FIRST_HOUR}&group_by=user_id&order=-cost&limit=20",
    f"calls?{FIRST_HOUR}&order=cost&limit=50",
    f"tools?{FIRST_HOUR}&interval=total",
    "prices/unpriced",
    "ingest",
)


@dataclass
class Tally:
    """What was acknowledged and asked, added up over all threads; `late` are counts a next answer did not have."""

    batches: int = 0
    spans: int = 0
    new_calls: int = 0
    repeated_calls: int = 0
    come_back_later: int = 0
    latencies_s: list[float] = field(default_factory=list)
    questions: int = 0
    not_answered: list[str] = field(default_factory=list)
    late: list[tuple[int, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def summary(self) -> str:
        """Return what to read beside the samples."""
        ordered = sorted(self.latencies_s)
        p50_ms, p99_ms = (ordered[int(len(ordered) * part)] * 1_000 for part in (0.5, 0.99))
        return (
            f"{self.spans:,} spans, {self.new_calls:,} calls, {self.repeated_calls:,} of them sent again,"
            f" {self.questions:,} questions; acknowledged after {p50_ms:.0f} ms (p50), {p99_ms:.0f} ms (p99),"
            f" told to come back {self.come_back_later} times"
        )


class Connection:
    """One kept-alive connection, as exporters and browsers hold it."""

    def __init__(self, address: str) -> None:
        self._link = http.client.HTTPConnection(address, timeout=GIVE_UP_AFTER_S)

    def ask(self, path: str) -> tuple[int, Any]:
        """Return the status and document of an API question."""
        self._link.request("GET", f"/api/v1/{path}")
        response = self._link.getresponse()
        return response.status, json.loads(response.read())

    def send(self, body: bytes, **headers: str) -> tuple[int, float]:
        """Return the status a body was answered with, and after how many seconds to come back."""
        self._link.request("POST", "/v1/traces", body, {"Content-Type": PROTOBUF, **headers})
        response = self._link.getresponse()
        response.read()
        return response.status, float(response.headers.get("Retry-After", 0))

    def close(self) -> None:
        """Hang up."""
        self._link.close()


class Load:
    """Threads against the server at `address`, until `stop`."""

    def __init__(self, address: str) -> None:
        self.tally = Tally()
        self._address = address
        self._over = threading.Event()
        self._waiting: queue.Queue[Batch | None] = queue.Queue(maxsize=2 * EXPORTERS)
        users = [self._export] * EXPORTERS + [self._look] * DASHBOARDS + [self._check]
        self._threads = [
            threading.Thread(target=self._use, args=(user, seed), daemon=True) for seed, user in enumerate(users)
        ]
        for thread in self._threads:
            thread.start()

    def offer(self, batch: Batch) -> None:
        """Hand a batch to whichever exporter is free first. Raise what a user of the server failed with."""
        if self.tally.failures:
            raise self.tally.failures[0]
        self._waiting.put(batch, timeout=GIVE_UP_AFTER_S)

    def pause(self, seconds: float) -> None:
        """Keep to the pace of the traffic."""
        if seconds > 0:
            self._over.wait(seconds)

    def stop(self) -> None:
        """Let the exporters send what they were handed, everyone finish what they asked, and wait for that."""
        for _ in range(EXPORTERS):
            self._waiting.put(None, timeout=GIVE_UP_AFTER_S)
        for thread in self._threads[:EXPORTERS]:
            thread.join()
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self.tally.failures:
            raise self.tally.failures[0]

    def _use(self, user: Callable[[Connection, Random], None], seed: int) -> None:
        connection = Connection(self._address)
        try:
            user(connection, Random(seed))
        except Exception as failure:  # noqa: BLE001 - raised where the load is handed out
            self.tally.failures.append(failure)
        finally:
            connection.close()

    def _export(self, connection: Connection, chance: Random) -> None:
        earlier: list[Batch] = []
        for batch in iter(self._waiting.get, None):
            self._deliver(connection, batch, repeated=False)
            earlier = [*earlier[-20:], batch]
            if chance.random() < REPEATED:
                self._deliver(connection, chance.choice(earlier), repeated=True)

    def _deliver(self, connection: Connection, batch: Batch, *, repeated: bool) -> None:
        began_s = time.perf_counter()
        self._send(connection, batch.body, **{"Content-Encoding": "gzip"})
        with self.tally.lock:
            self.tally.latencies_s.append(time.perf_counter() - began_s)
            self.tally.spans += batch.spans
            if repeated:
                self.tally.repeated_calls += batch.calls
            else:
                self.tally.batches += 1
                self.tally.new_calls += batch.calls

    def _send(self, connection: Connection, body: bytes, **headers: str) -> None:
        """Send until it is taken, and come back when told to."""
        status, later_s = connection.send(body, **headers)
        while status == 503:
            with self.tally.lock:
                self.tally.come_back_later += 1
            self._over.wait(later_s)
            status, later_s = connection.send(body, **headers)
        if status != 200:
            raise AssertionError(f"a batch was answered {status}")

    def _look(self, connection: Connection, chance: Random) -> None:
        for question in self._again_and_again(chance):
            status, document = connection.ask(question)
            with self.tally.lock:
                self.tally.questions += 1
                if status != 200:
                    self.tally.not_answered.append(f"{status} {question}: {document}")

    def _again_and_again(self, chance: Random) -> Iterator[str]:
        while not self._over.wait(QUESTION_EVERY_S):
            yield chance.choice(QUESTIONS)

    def _check(self, connection: Connection, _: Random) -> None:
        """Send calls of a service of its own and ask for them at once."""
        for number in count(1):
            if self._over.wait(QUESTION_EVERY_S):
                return
            self._send(connection, known_calls("checked", number))
            _, document = connection.ask(f"spend?{DAY_OF_THE_KNOWN}&filter=service:checked")
            sent, seen = number * KNOWN_CALLS, document["total"]["calls"]
            with self.tally.lock:
                self.tally.spans += KNOWN_CALLS
                self.tally.new_calls += KNOWN_CALLS
                if seen != sent:
                    self.tally.late.append((sent, seen))
