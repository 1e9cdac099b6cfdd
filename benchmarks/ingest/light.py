"""`python -m benchmarks.ingest.light`: what a server takes of the machine while little comes in, as it does mostly.

Small requests at a steady rate, each answered before the next is due. Throughput says nothing of this: it shares a
commit among thousands of spans, and here each request pays for its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.ingest.load import Sent, send
from benchmarks.ingest.peers import PEERS, Peer
from benchmarks.ingest.process import cpu_s
from benchmarks.ingest.workload import requests
from benchmarks.servers import running, takes_part
from benchmarks.table import plain

GENAI_PERCENT = 20
SPANS_PER_REQUEST = 25
WARM_UP_REQUESTS = 40
IDLE_S = 10


@dataclass(frozen=True, slots=True)
class Light:
    """Shares are of one core; `cpu_ms` is the server's whole CPU in that time, divided by the requests."""

    server: str
    version: str
    idle_share: float
    share: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float


def measure(peer: Peer, rate_per_s: float, seconds: float, idle_s: float = IDLE_S) -> Light:
    """Start the server, let it rest, then send it `rate_per_s` requests for `seconds`."""
    bodies = requests(WARM_UP_REQUESTS + round(rate_per_s * seconds), GENAI_PERCENT, SPANS_PER_REQUEST)
    with running(peer.product) as server:
        pid, target = server.own_pid, server.url + peer.traces_path
        send(target, bodies[:WARM_UP_REQUESTS], peer.headers)
        time.sleep(idle_s / 2)
        idle_share, _ = _share(pid, lambda: time.sleep(idle_s))
        answers: list[float] = []

        def trickle() -> None:
            began_s = time.monotonic()
            for number, body in enumerate(bodies[WARM_UP_REQUESTS:]):
                time.sleep(max(0.0, began_s + number / rate_per_s - time.monotonic()))
                answers.extend(send(target, [body], peer.headers).latencies_s)

        share, used_s = _share(pid, trickle)
        sent = Sent(seconds, tuple(answers), 0)
        return Light(
            peer.product.name,
            server.version,
            idle_share,
            share,
            used_s / len(answers) * 1e3,
            sent.latency_ms(50),
            sent.latency_ms(99),
        )


def _share(pid: int, act: Callable[[], None]) -> tuple[float, float]:
    """Return which share of a core a process took while `act` ran, and how many seconds of CPU that were."""
    before_s, began_s = cpu_s(pid), time.monotonic()
    act()
    used_s = cpu_s(pid) - before_s
    return used_s / (time.monotonic() - began_s), used_s


def main() -> None:
    """Measure costspan and every peer that can be started here, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest.light", description=__doc__)
    parser.add_argument("--rate", type=float, default=10, help="requests a second (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=20, help="how long (default: %(default)s)")
    arguments = parser.parse_args()
    found = [measure(peer, arguments.rate, arguments.seconds) for peer in PEERS if takes_part(peer.product)]
    head = [
        "server",
        "version",
        "core, at rest",
        "core, then",
        "CPU ms/request",
        "p50 ms",
        "p99 ms",
        "to costspan's CPU",
    ]
    print(f"{arguments.rate:g} requests a second of {SPANS_PER_REQUEST} spans, {GENAI_PERCENT} % of them GenAI")
    print(plain([head, *(_row(one, found[0]) for one in found)]))


def _row(one: Light, own: Light) -> list[str]:
    return [
        one.server,
        one.version,
        f"{one.idle_share:.1%}",
        f"{one.share:.1%}",
        f"{one.cpu_ms:.1f}",
        f"{one.p50_ms:.0f}",
        f"{one.p99_ms:.0f}",
        f"{one.cpu_ms / own.cpu_ms:.2f}",
    ]


if __name__ == "__main__":
    main()
