"""The result as people read it, ratios last: absolute figures belong to one machine on one day."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from math import comb
from statistics import median
from typing import Any, Final

from benchmarks.machine import machine
from benchmarks.sdk.environments import Environment
from benchmarks.sdk.measure import BILLED_USD, Measured
from benchmarks.sdk.peers import COSTSPAN, COSTSPAN_METRICS, OPENTELEMETRY, OPENTELEMETRY_METRICS, Peer
from benchmarks.table import markdown as as_markdown

HEAD: Final = (
    *("", "version", "openai", "call µs", "stream µs", "call, all threads µs", "stream, all threads µs"),
    *("import ms", "until ready ms", "RSS MiB", "distributions", "MB", "cost of a call"),
)
_UNSURE: Final = 0.05
_REPEAT: Final = (
    "Repeat it: `make bench-sdk ARGS='--markdown FILE'`, some ten minutes. Ratios count; absolute times belong to one"
    " machine on one day."
)
_MEANING: Final = """\
Each peer is set up as its documentation says, in an environment of its own, and exports in batches to a collector on
the same machine. The client answers itself, in process: 1,000 tokens in and 500 out, a stream of 23 chunks. All
processes run at once and make a few calls each by turns, 5 ms long and in changing order, so that what disturbs the
machine disturbs all. Every figure is what is added to the bare client of the same turn. A ratio is the median over ten
starts of every process; in brackets the bounds it lies in 19 times of 20.

* **call, stream**: CPU of the calling thread for one call, which is what the application waits for; median over turns.
* **all threads**: with pricing, encoding and export, which happen in threads of their own.
* **import, until ready**: CPU of importing the peer; the same with its set-up and the first call, sent.
* **RSS, distributions, MB**: memory at the end, what is installed beside the client, and its size.
* **cost of a call**: whether the spans say it, and whether it is the $0.00045 that the call is billed. A peer may work
  it out later, in its own service. OpenLIT is given a price file of this one model; else it fetches one at each start.
* **metrics**: token counts, durations and chunk times as OpenTelemetry metrics too; with costspan, cost is one more.
  `costspan.configure()` sends metrics to a backend named by `OTEL_EXPORTER_OTLP_ENDPOINT`, not to its own ledger, which
  has the same figures from the spans.
"""
_PAIRS: Final = ((COSTSPAN, OPENTELEMETRY), (COSTSPAN_METRICS, OPENTELEMETRY_METRICS))


def rows(measured: Mapping[Peer, Measured], environments: Mapping[Peer, Environment]) -> list[list[str]]:
    """Return the table, its head first."""
    return [list(HEAD), *(_row(peer, one, environments[peer]) for peer, one in measured.items())]


def ratios(measured: Mapping[Peer, Measured]) -> list[str]:
    """Return how costspan stands to the official instrumentation alone, and to the peers that report cost."""
    lines = [
        f"{own.name} adds {_spread(measured[own], measured[other], 'chat')} of what {other.name} alone adds to a"
        f" call, {_spread(measured[own], measured[other], 'stream')} to a stream; in all threads"
        f" {_ratio(measured[own].chat_total_us, measured[other].chat_total_us)} and"
        f" {_ratio(measured[own].stream_total_us, measured[other].stream_total_us)}."
        for own, other in _PAIRS
        if own in measured and other in measured
    ]
    mine = measured.get(COSTSPAN)
    lines += [
        f"{peer.name}, which reports cost, adds {one.chat_us / mine.chat_us:.1f} times what costspan adds to a call,"
        f" {one.stream_us / mine.stream_us:.1f} times to a stream."
        for peer, one in measured.items()
        if mine and one.reported_usd is not None and peer not in {COSTSPAN, COSTSPAN_METRICS}
    ]
    return lines


def summary(bare_us: Mapping[str, float], measured: Mapping[Peer, Measured]) -> list[str]:
    """Return what the table is on top of, and the ratios."""
    bare = f"The client alone: {bare_us['chat']:.0f} µs a call, {bare_us['stream']:.0f} µs a stream."
    return [bare, *ratios(measured)]


def markdown(
    bare_us: Mapping[str, float], measured: Mapping[Peer, Measured], environments: Mapping[Peer, Environment]
) -> str:
    """Return the document."""
    told = [
        "# What watching a call costs, measured",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, load average {os.getloadavg()[2]:.0f}. {_REPEAT}",
        as_markdown(rows(measured, environments)),
        "\n".join(f"* {line}" for line in summary(bare_us, measured)),
        "## How it is measured",
        _MEANING.rstrip(),
    ]
    return "\n\n".join(told) + "\n"


def document(
    bare_us: Mapping[str, float], measured: Mapping[Peer, Measured], environments: Mapping[Peer, Environment]
) -> dict[str, Any]:
    """Return everything, for machines."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "bare_us": dict(bare_us),
        "billed_usd": BILLED_USD,
        "peers": {
            peer.name: {
                **asdict(one),
                "version": environments[peer].version,
                "client_version": environments[peer].client_version,
                "distributions": environments[peer].distributions,
                "megabytes": environments[peer].megabytes,
            }
            for peer, one in measured.items()
        },
    }


def _row(peer: Peer, one: Measured, environment: Environment) -> list[str]:
    return [
        peer.name,
        environment.version,
        environment.client_version,
        f"{one.chat_us:.0f}",
        f"{one.stream_us:.0f}",
        f"{one.chat_total_us:.0f}",
        f"{one.stream_total_us:.0f}",
        f"{one.import_ms:.0f}",
        f"{one.ready_ms:.0f}",
        f"{one.rss_mib:.0f}",
        str(environment.distributions),
        f"{environment.megabytes:.0f}",
        _cost(one.reported_usd),
    ]


def _cost(reported_usd: float | None) -> str:
    if reported_usd is None:
        return "not reported"
    return "exact" if abs(reported_usd - BILLED_USD) < 1e-9 else f"× {reported_usd / BILLED_USD:.3g}"


def _ratio(own: float, other: float) -> str:
    return f"{own / other:.2f}"


def _spread(own: Measured, other: Measured, kind: str) -> str:
    """Return the median over starts of what `own` adds by what `other` adds, and the bounds it lies in 19 times of 20.

    The bounds are order statistics of the starts, which assume nothing of their distribution.
    """
    found = sorted(mine / its for mine, its in zip(own.starts_us[kind], other.starts_us[kind], strict=True))
    outside = [
        2 * sum(comb(len(found), each) for each in range(cut + 1)) / 2 ** len(found) for cut in range(len(found))
    ]
    cut = max(sum(chance <= _UNSURE for chance in outside) - 1, 0)
    return f"{median(found):.2f} ({found[cut]:.2f} to {found[-1 - cut]:.2f})"
