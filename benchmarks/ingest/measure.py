"""One server, one mix: CPU, memory and latency from the first request until every span can be asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.exchange import get, post_json
from benchmarks.ingest.load import send
from benchmarks.ingest.process import cpu_s, rss_mib
from benchmarks.ingest.workload import SPANS_PER_REQUEST, requests
from benchmarks.servers import COSTSPAN, PHOENIX, Product, running, takes_part

MIXES = (20, 100)
"""Percent of GenAI spans: a whole company's telemetry, and LLM applications alone."""
WARM_UP_REQUESTS = 4
VISIBLE_WITHIN_S = 600
QUIET_S = 1.0
QUIET_CPU_S = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """What `spans` took. CPU is the server's alone, with the work it put off; `wall_s` ends with the last answer;
    `refusals` are answers that asked for another try."""

    server: str
    version: str
    genai_percent: int
    spans: int
    cpu_s: float
    wall_s: float
    p50_ms: float
    p99_ms: float
    rss_mib: float
    refusals: int

    @property
    def spans_per_cpu_s(self) -> float:
        """The figure the ratios are of."""
        return self.spans / self.cpu_s


def measure_all(request_count: int, peer_request_count: int) -> list[Measured]:
    """Measure costspan and every peer that can be started here, on each mix, with an empty folder each time."""
    sizes = {COSTSPAN: request_count, PHOENIX: peer_request_count}
    return [measure(product, size, mix) for mix in MIXES for product, size in sizes.items() if takes_part(product)]


def measure(product: Product, request_count: int, genai_percent: int) -> Measured:
    """Start the server, warm it up, load it. Raises RuntimeError for one that is not started here: no CPU to read."""
    bodies = requests(WARM_UP_REQUESTS + request_count, genai_percent)
    with running(product) as server:
        if server.pid is None:
            raise RuntimeError(f"unset {product.url_variable}: the benchmark starts its own {product.name}")
        taken = _TAKEN[product]
        send(server.url, bodies[:WARM_UP_REQUESTS])
        _wait_until_taken(lambda: taken(server.url), WARM_UP_REQUESTS * SPANS_PER_REQUEST, server.pid)
        before_s = cpu_s(server.pid)
        sent = send(server.url, bodies[WARM_UP_REQUESTS:])
        _wait_until_taken(lambda: taken(server.url), len(bodies) * SPANS_PER_REQUEST, server.pid)
        return Measured(
            server=product.name,
            version=server.version,
            genai_percent=genai_percent,
            spans=request_count * SPANS_PER_REQUEST,
            cpu_s=cpu_s(server.pid) - before_s,
            wall_s=sent.wall_s,
            p50_ms=sent.latency_ms(50),
            p99_ms=sent.latency_ms(99),
            rss_mib=rss_mib(server.pid),
            refusals=sent.refusals,
        )


def _wait_until_taken(taken: Callable[[], int], spans: int, pid: int) -> None:
    """Wait until the server counts `spans` and rests: what it put off is part of the bill."""
    give_up_at = time.monotonic() + VISIBLE_WITHIN_S
    while taken() < spans:
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"{taken()} of {spans} spans arrived")
        time.sleep(0.25)
    used_s = -1.0
    while (now_s := cpu_s(pid)) - used_s > QUIET_CPU_S and time.monotonic() < give_up_at:
        used_s = now_s
        time.sleep(QUIET_S)


def _taken_by_costspan(url: str) -> int:
    return int(get(f"{url}/api/v1/ingest").document["received_spans"])


def _taken_by_phoenix(url: str) -> int:
    answer = post_json(f"{url}/graphql", {"query": "{projects{edges{node{recordCount}}}}"})
    return sum(edge["node"]["recordCount"] for edge in answer.document["data"]["projects"]["edges"])


_TAKEN: dict[Product, Callable[[str], int]] = {COSTSPAN: _taken_by_costspan, PHOENIX: _taken_by_phoenix}
