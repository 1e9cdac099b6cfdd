"""`python -m benchmarks.ui`: the dashboard's first page and, where installed, Phoenix's, in one run."""

from __future__ import annotations

import argparse

from benchmarks.ui.measure import measure_all
from benchmarks.ui.peer import prepare
from benchmarks.ui.table import report


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ui", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="openings of each page (default: %(default)s)")
    parser.add_argument("--calls-per-day", type=int, default=2_000, help="of the demo (default: %(default)s)")
    parser.add_argument("--prepare", action="store_true", help="install Phoenix in an environment of its own")
    arguments = parser.parse_args()
    if arguments.prepare and (fault := prepare()):
        print(f"Phoenix cannot be installed: {fault}")
    print(report(measure_all(arguments.rounds, arguments.calls_per_day)))


main()
