"""The result as people read it, ratios last: absolute figures belong to one machine on one day."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.ingest.measure import MIXES, Measured
from benchmarks.table import plain

_HEAD = (
    *(
        "genai",
        "server",
        "version",
        "spans",
        "spans/CPU-s",
        "queryable/s",
        "p50 ms",
        "p99 ms",
        "question ms",
        "RSS MiB",
    ),
    *("B/span", "refusals"),
)


def report(measured: Sequence[Measured]) -> str:
    """Return the table and, for each mix, how costspan stands to the peer."""
    return "\n".join([plain([_HEAD, *map(_row, measured)]), "", *_ratios(measured)])


def _row(one: Measured) -> list[str]:
    return [
        f"{one.genai_percent} %",
        one.server,
        one.version,
        f"{one.spans:,}",
        f"{one.spans_per_cpu_s:,.0f}",
        f"{one.spans / one.queryable_s:,.0f}",
        f"{one.p50_ms:.0f}",
        f"{one.p99_ms:.0f}",
        f"{one.question_ms:.0f}",
        f"{one.rss_mib:.0f}",
        f"{one.bytes_per_span:.0f}",
        str(one.refusals),
    ]


def _ratios(measured: Sequence[Measured]) -> list[str]:
    lines = []
    for mix in MIXES:
        own, *peers = [one for one in measured if one.genai_percent == mix]
        lines += [f"{mix} % GenAI: {_ratio(own, peer)}" for peer in peers]
    if any(one.server != "costspan" for one in measured):
        lines.append(
            "costspan answers after its commit, peers before: p50 and p99, which are of answers, do not compare."
        )
    first, last = (next(one for one in measured if one.genai_percent == mix) for mix in (MIXES[0], MIXES[-1]))
    lines.append(
        f"A span of the {first.genai_percent} % mix costs"
        f" {last.spans_per_cpu_s / first.spans_per_cpu_s:.2f} of one of the {last.genai_percent} % mix."
    )
    return lines


def _ratio(own: Measured, peer: Measured) -> str:
    return (
        f"{own.spans_per_cpu_s / peer.spans_per_cpu_s:.3g} times {peer.server}'s spans per CPU-second,"
        f" {own.rss_mib / peer.rss_mib:.2f} of its memory, {own.bytes_per_span / peer.bytes_per_span:.2f} of its disk"
    )
