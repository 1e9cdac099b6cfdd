"""`python -m benchmarks.query`: the dashboard's questions at 1 and 10 million calls; `--millions 50` for more."""

from __future__ import annotations

import argparse

from benchmarks.machine import machine
from benchmarks.query.measure import Measured, measure
from benchmarks.table import markdown, plain

_HEADERS = ("question", "rows p50 ms", "p95", "rolled up p50 ms", "p95", "CPU ms", "ratio")


def report(found: Measured, *, as_markdown: bool = False) -> str:
    """Return one ledger's table, with its size."""
    rows = [
        (
            name,
            f"{before.wall_p50_ms:,.0f}",
            f"{before.wall_p95_ms:,.0f}",
            f"{after.wall_p50_ms:,.0f}",
            f"{after.wall_p95_ms:,.0f}",
            f"{after.cpu_p50_ms:,.0f}",
            f"{before.wall_p50_ms / after.wall_p50_ms:.1f}x",
        )
        for (name, before), after in zip(found.of_rows.items(), found.rolled_up.values(), strict=True)
    ]
    head = (
        f"{found.calls:,} calls, {found.file_bytes / found.calls:.0f} bytes each; rolling up "
        f"{found.rolling_up_cpu_us:.1f} us of CPU a call; {machine()}"
    )
    return f"{head}\n\n{(markdown if as_markdown else plain)([_HEADERS, *rows])}\n"


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query", description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 10], help="of calls (default: 1 10)")
    parser.add_argument(
        "--rounds", type=int, default=11, help="how often each question is asked (default: %(default)s)"
    )
    parser.add_argument("--markdown", action="store_true", help="tables for a document")
    arguments = parser.parse_args()
    for millions in arguments.millions:
        print(report(measure(int(millions * 1e6), arguments.rounds), as_markdown=arguments.markdown), flush=True)


if __name__ == "__main__":
    main()
