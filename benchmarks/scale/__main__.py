"""`python -m benchmarks.scale`: ingest and questions at 1 and 10 million calls; `--millions 1 10 100` takes an hour."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.scale.measure import ENGINES, Cost, ingest, questions
from benchmarks.scale.plot import plot
from benchmarks.table import markdown, plain


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 10], help="of calls (default: 1 10)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked (default: %(default)s)")
    parser.add_argument(
        "--rows-up-to", type=float, default=1, metavar="MILLIONS", help="ask without roll-ups, too, up to so many calls"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write how the questions grow on both engines as SVG")
    parser.add_argument("--markdown", action="store_true", help="tables for a document")
    arguments = parser.parse_args()
    table = markdown if arguments.markdown else plain
    print(machine())
    rows: list[tuple[str, ...]] = [
        (f"{together:,}", engine, f"{cost.wall_ms * 1e3:,.0f}", f"{cost.cpu_ms * 1e3:,.0f}")
        for together, engines in ingest().items()
        for engine, cost in engines.items()
    ]
    print(f"\n{table([('committed together', 'engine', 'wall us a call', 'CPU us a call'), *rows])}", flush=True)
    grown: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for millions in arguments.millions:
        calls = int(millions * 1e6)
        found = questions(calls, arguments.rounds, rows_too=millions <= arguments.rows_up_to)
        headers = ("question", *(f"{engine} {what}" for engine in found for what in ("wall ms", "CPU ms")))
        rows = [
            (name, *(f"{ms:,.0f}" for each in found.values() for ms in _both(each.questions[name])))
            for name in next(iter(found.values())).questions
        ]
        sizes = "; ".join(
            f"{engine} {each.bytes_a_call:.0f} bytes a call, {each.rolling_up_us:.1f} us of CPU to roll it up"
            for engine, each in found.items()
        )
        print(f"\n{millions:g} million calls; {sizes}\n\n{table([headers, *rows])}", flush=True)
        for engine in ENGINES:
            for name, cost in found[engine].questions.items():
                grown.setdefault(name, {}).setdefault(engine, []).append((calls, cost.cpu_ms))
        if arguments.plot:
            arguments.plot.write_text(plot(grown))


def _both(cost: Cost) -> tuple[float, float]:
    return cost.wall_ms, cost.cpu_ms


if __name__ == "__main__":
    main()
