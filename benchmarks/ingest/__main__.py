"""`python -m benchmarks.ingest`: costspan and, where installed, VictoriaTraces, Phoenix and MLflow in one run."""

from __future__ import annotations

import argparse

from benchmarks.ingest.measure import measure_all
from benchmarks.ingest.table import report


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--requests", type=int, default=120, help="of 512 spans, for costspan (default: %(default)s)")
    parser.add_argument(
        "--peer-requests", type=int, help="of 512 spans, for a peer (default: what it takes in minutes)"
    )
    arguments = parser.parse_args()
    print(report(measure_all(arguments.requests, arguments.peer_requests)))


main()
