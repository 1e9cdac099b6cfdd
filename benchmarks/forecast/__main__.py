"""`python -m benchmarks.forecast`: forecasts of a month beside the linear run rate and the month before."""

from __future__ import annotations

import argparse

from benchmarks.forecast.measure import METHODS, Score, measure
from benchmarks.table import markdown, plain


def report(found: dict[tuple[str, int], Score], *, as_markdown: bool = False) -> str:
    """Return one table: mean absolute error in per cent of the month, and the share of months within P10 to P90."""
    rows = [("month of", "on day", *METHODS, "within P10-P90", "months")]
    for (kind, on), score in sorted(found.items()):
        errors = (f"{score.errors[name]:.1f} %" for name in METHODS)
        rows.append((kind, str(on), *errors, f"{score.covered:.0%}", str(score.months)))
    return (markdown if as_markdown else plain)(rows)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--organisations", type=int, default=40, help="of each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1000, help="of the first (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="a table for a document")
    arguments = parser.parse_args()
    print(report(measure(arguments.organisations, arguments.seed), as_markdown=arguments.markdown))


if __name__ == "__main__":
    main()
