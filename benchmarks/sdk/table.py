"""The result as people read it, ratios last: absolute figures belong to one machine on one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.machine import machine
from benchmarks.sdk.environments import Environment
from benchmarks.sdk.measure import BILLED_USD, Measured
from benchmarks.sdk.peers import COSTSPAN, COSTSPAN_METRICS, OPENTELEMETRY, OPENTELEMETRY_METRICS, Peer

HEAD: Final = (
    *("", "version", "openai", "call µs", "stream µs", "call, all threads µs", "stream, all threads µs"),
    *("import ms", "until ready ms", "RSS MiB", "distributions", "MB", "cost of a call"),
)
_PAIRS: Final = ((COSTSPAN, OPENTELEMETRY), (COSTSPAN_METRICS, OPENTELEMETRY_METRICS))


def rows(measured: Mapping[Peer, Measured], environments: Mapping[Peer, Environment]) -> list[list[str]]:
    """Return the table, its head first."""
    return [list(HEAD), *(_row(peer, one, environments[peer]) for peer, one in measured.items())]


def ratios(measured: Mapping[Peer, Measured]) -> list[str]:
    """Return how costspan stands to the official instrumentation alone, and to the peers that report cost."""
    lines = [
        f"{own.name} adds {_ratio(measured[own].chat_us, measured[other].chat_us)} of what {other.name} alone adds to a"
        f" call, {_ratio(measured[own].stream_us, measured[other].stream_us)} to a stream; in all threads"
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
