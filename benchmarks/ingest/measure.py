"""One server, one mix: CPU, memory and latency from the first request until every span can be asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.ingest.load import send
from benchmarks.ingest.peers import PEERS, Peer
from benchmarks.ingest.process import cpu_s, rss_mib
from benchmarks.ingest.workload import SPANS_PER_REQUEST, requests
from benchmarks.servers import running, takes_part

MIXES = (20, 100)
"""Percent of GenAI spans: a whole company's telemetry, and LLM applications alone."""
WARM_UP_REQUESTS = 4
VISIBLE_WITHIN_S = 600
QUIET_S = 1.0
QUIET_CPU_S = 0.05


QUESTIONS = 7


@dataclass(frozen=True, slots=True)
class Measured:
    """What `spans` took. CPU is the server's alone, with the work it put off; `queryable_s` ends when all can be asked
    for; `refusals` are answers that asked for another try; `question_ms` is what every model used; `bytes_per_span` is
    of what the server left on disk, for all spans it was ever sent."""

    server: str
    version: str
    genai_percent: int
    spans: int
    cpu_s: float
    queryable_s: float
    p50_ms: float
    p99_ms: float
    question_ms: float
    rss_mib: float
    bytes_per_span: float
    refusals: int

    @property
    def spans_per_cpu_s(self) -> float:
        """The figure the ratios are of."""
        return self.spans / self.cpu_s


def measure_all(request_count: int, peer_request_count: int | None = None) -> list[Measured]:
    """Measure costspan and every peer that can be started here, on each mix, with an empty folder each time.

    Peers get as many requests as they can take in reasonable time, or `peer_request_count`.
    """
    return [
        measure(peer, _size(peer, request_count, peer_request_count), mix)
        for mix in MIXES
        for peer in PEERS
        if takes_part(peer.product)
    ]


def measure(peer: Peer, request_count: int, genai_percent: int) -> Measured:
    """Start the server, warm it up, load it. Raises RuntimeError for one that is not started here: no CPU to read."""
    bodies = requests(WARM_UP_REQUESTS + request_count, genai_percent)
    with running(peer.product) as server:
        pid, target = server.own_pid, server.url + peer.traces_path
        send(target, bodies[:WARM_UP_REQUESTS], peer.headers)
        _wait_until_taken(lambda: peer.taken(server.url), WARM_UP_REQUESTS * SPANS_PER_REQUEST)
        _wait_until_at_rest(pid)
        before_s, began_s = cpu_s(pid), time.monotonic()
        sent = send(target, bodies[WARM_UP_REQUESTS:], peer.headers)
        _wait_until_taken(lambda: peer.taken(server.url), len(bodies) * SPANS_PER_REQUEST)
        queryable_s = time.monotonic() - began_s
        _wait_until_at_rest(pid)
        used_s, held_mib = cpu_s(pid) - before_s, rss_mib(pid)
        question_ms = median(_asked_ms(peer, server.url) for _ in range(QUESTIONS))
        return Measured(
            server=peer.product.name,
            version=server.version,
            genai_percent=genai_percent,
            spans=request_count * SPANS_PER_REQUEST,
            cpu_s=used_s,
            queryable_s=queryable_s,
            p50_ms=sent.latency_ms(50),
            p99_ms=sent.latency_ms(99),
            question_ms=question_ms,
            rss_mib=held_mib,
            bytes_per_span=server.stop() / (len(bodies) * SPANS_PER_REQUEST),
            refusals=sent.refusals,
        )


def _size(peer: Peer, request_count: int, peer_request_count: int | None) -> int:
    if peer is PEERS[0]:
        return request_count
    return peer_request_count or max(1, round(peer.share * request_count))


def _asked_ms(peer: Peer, url: str) -> float:
    began_s = time.perf_counter()
    if not peer.ask(url):
        raise RuntimeError(f"{peer.product.name} knows no model")
    return (time.perf_counter() - began_s) * 1_000


def _wait_until_taken(taken: Callable[[], int], spans: int) -> None:
    give_up_at = time.monotonic() + VISIBLE_WITHIN_S
    while taken() < spans:
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"{taken()} of {spans} spans arrived")
        time.sleep(0.25)


def _wait_until_at_rest(pid: int) -> None:
    """Wait until the server does nothing: what it put off is part of the bill."""
    give_up_at, used_s = time.monotonic() + VISIBLE_WITHIN_S, -1.0
    while (now_s := cpu_s(pid)) - used_s > QUIET_CPU_S and time.monotonic() < give_up_at:
        used_s = now_s
        time.sleep(QUIET_S)
