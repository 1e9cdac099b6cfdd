"""`python -m benchmarks.query`: the dashboard's questions at 1 and 10 million calls; `--millions 50` for more."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.query.measure import Measured, Timed, measure
from benchmarks.query.plot import plot
from benchmarks.table import markdown, plain

_HEADERS = ("question", "rows p50 ms", "p95", "rolled up p50 ms", "p95", "CPU ms", "ratio")


def report(found: Measured, *, as_markdown: bool = False) -> str:
    """Return one ledger's table, with its size."""
    rows = [(name, *_of_rows(found, name), *_figures(after), _ratio(found, name)) for name, after in _after(found)]
    took = "" if found.rolling_up_cpu_us is None else f"rolling up {found.rolling_up_cpu_us:.1f} us of CPU a call; "
    head = f"{found.calls:,} calls, {found.file_bytes / found.calls:.0f} bytes each; {took}{machine()}"
    return f"{head}\n\n{(markdown if as_markdown else plain)([_HEADERS, *rows])}\n"


def _after(found: Measured) -> list[tuple[str, Timed]]:
    return list(found.rolled_up.items())


def _of_rows(found: Measured, name: str) -> tuple[str, str]:
    before = found.of_rows.get(name)
    return (f"{before.wall_p50_ms:,.0f}", f"{before.wall_p95_ms:,.0f}") if before else ("", "")


def _figures(of: Timed) -> tuple[str, str, str]:
    return f"{of.wall_p50_ms:,.0f}", f"{of.wall_p95_ms:,.0f}", f"{of.cpu_p50_ms:,.0f}"


def _ratio(found: Measured, name: str) -> str:
    before = found.of_rows.get(name)
    return f"{before.wall_p50_ms / found.rolled_up[name].wall_p50_ms:.1f}x" if before else ""


def report_pages(folder: Path, rounds: int, *, as_markdown: bool = False) -> str:
    """Return the table of what the pages ask for, the slowest first."""
    from benchmarks.query.pages import measure_pages  # a browser, which the rest does without

    asked = sorted(measure_pages(folder, rounds), key=lambda each: -each.took.cpu_p50_ms)
    rows = [(each.page, each.path, *_figures(each.took), f"{each.size_bytes / 1e3:,.0f}") for each in asked]
    head = ("page", "request", "p50 ms", "p95", "CPU ms", "KB")
    return f"{machine()}\n\n{(markdown if as_markdown else plain)([head, *rows])}\n"


def report_busy(folder: Path, rounds: int, calls_per_s: int, *, as_markdown: bool = False) -> str:
    """Return the table of the overview's requests at rest and while calls come in."""
    from benchmarks.query.busy import CALLS_PER_REQUEST, measure_busy  # a browser, which the rest does without

    found, taken = measure_busy(folder, rounds, calls_per_s)
    rows = [
        (
            _short(each.path),
            *(f"{took:,.0f}" for took in (*each.alone, *each.busy)),
            f"{each.busy[0] / each.alone[0]:.1f}x",
        )
        for each in found
    ]
    head = ("request of the overview", "at rest p50 ms", "p95", "while ingesting p50 ms", "p95", "ratio")
    took = f"{taken.calls_per_s:,.0f} calls a second taken, {CALLS_PER_REQUEST} in {taken.p95_ms:,.0f} ms at p95"
    return f"{took}; {machine()}\n\n{(markdown if as_markdown else plain)([head, *rows])}\n"


def _short(path: str) -> str:
    """Return a request without its period and lists, which are long."""
    address, _, query = path.partition("?")
    kept = [part for part in query.split("&") if not part.startswith(("since=", "until=", "filter=", "measures="))]
    asks_quantiles = address.endswith("/spend") and ("measures=" not in query or "latency_ms" in query)
    return "?".join(filter(None, [address, "&".join(kept)])) + (", percentiles" if asks_quantiles else "")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query", description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 10], help="of calls (default: 1 10)")
    parser.add_argument(
        "--rounds", type=int, default=11, help="how often each question is asked (default: %(default)s)"
    )
    parser.add_argument("--markdown", action="store_true", help="tables for a document")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the ledgers, and ask those that are there")
    parser.add_argument("--pages", action="store_true", help="time what the pages ask for, too (needs --keep)")
    parser.add_argument(
        "--ingesting", type=int, metavar="RATE", help="open the overview while so many calls a second come in, too"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write how the times grow as SVG")
    arguments = parser.parse_args()
    if (arguments.pages or arguments.ingesting) and arguments.keep is None:
        parser.error("--pages and --ingesting need --keep")
    grown: dict[str, list[tuple[int, float]]] = {}
    for millions in arguments.millions:
        folder = arguments.keep / f"{millions:g}m" if arguments.keep else None
        found = measure(int(millions * 1e6), arguments.rounds, folder)
        print(report(found, as_markdown=arguments.markdown), flush=True)
        for name, took in found.rolled_up.items():
            grown.setdefault(name, []).append((found.calls, took.cpu_p50_ms))
        if folder and arguments.pages:
            print(report_pages(folder, arguments.rounds, as_markdown=arguments.markdown), flush=True)
        if folder and arguments.ingesting:
            said = report_busy(folder, arguments.rounds, arguments.ingesting, as_markdown=arguments.markdown)
            print(said, flush=True)
    if arguments.plot:
        arguments.plot.write_text(plot(grown))


if __name__ == "__main__":
    main()
