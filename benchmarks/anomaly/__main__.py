"""`make bench-anomaly`: our detector beside rules written by hand and published methods, in one run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.anomaly import nab
from benchmarks.anomaly.judge import Outcome, Verdict
from benchmarks.anomaly.measure import BUDGET, DEV_SEEDS, TEST_SEEDS, Row, measure
from benchmarks.machine import machine
from benchmarks.table import Table, markdown, plain


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anomaly", description=__doc__)
    parser.add_argument("--dev", type=_seeds, default=DEV_SEEDS, help="seeds the other methods are tuned on")
    parser.add_argument("--test", type=_seeds, default=TEST_SEEDS, help="seeds the figures are of: 401,402 or 401-408")
    parser.add_argument("--budget", type=float, default=BUDGET, help="false alarms a group-month to tune the others to")
    parser.add_argument("--nab", type=Path, help="a checkout of github.com/numenta/NAB")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    arguments = parser.parse_args()
    rows, strange = measure(arguments.dev, arguments.test, arguments.budget)
    parts = tables(rows, strange)
    if arguments.nab:
        parts["Numenta Anomaly Benchmark, its standard score (0 silence, 100 perfect)"] = _of_nab(arguments.nab)
    print(f"{machine()}; seeds {arguments.test}, others tuned on {arguments.dev}\n")
    print("\n\n".join(f"{title}\n\n{plain(table)}" for title, table in parts.items()))
    if arguments.markdown:
        written = "\n\n".join(f"### {title}\n\n{markdown(table)}" for title, table in parts.items())
        arguments.markdown.write_text(written + "\n", "utf-8")


def tables(rows: list[Row], strange: Row) -> dict[str, Table]:
    """Return the tables of a run by their titles."""
    head = ("method", "set to", "recall", "precision", "false/group-month", "lost", "delay", "retry loop", "model swap",
            "CPU s/org")  # fmt: skip
    return {
        "All methods, material faults": [head, *(_row(row) for row in rows)],
        "costspan, by fault": _by_kind(rows[0].verdict),
        "costspan, by kind of group": _by(rows[0].verdict, lambda each: each.group_kind),
        "costspan, faults and disturbances it was not made for": [head, _row(strange)],
        "costspan, by fault it was not made for": _by_kind(strange.verdict),
    }


def _row(row: Row) -> tuple[str, ...]:
    verdict = row.verdict
    return (
        row.name,
        row.setting,
        f"{verdict.recall:.2f} of {len(verdict.material)}",
        f"{verdict.precision:.2f}",
        f"{verdict.false_per_group_month:.2f}",
        f"{verdict.lost:.0%}",
        _minutes(verdict.delay_min()),
        _minutes(verdict.delay_min("retry_loop")),
        _minutes(verdict.delay_min("model_swap")),
        f"{row.cpu_s:.1f}",
    )


def _by_kind(verdict: Verdict) -> Table:
    return _by(verdict, lambda each: each.kind)


def _by(verdict: Verdict, key: Callable[[Outcome], str]) -> Table:
    table = [("", "material", "found", "median delay", "lost")]
    for kind in sorted({key(each) for each in verdict.outcomes}):
        chosen = [each for each in verdict.material if key(each) == kind]
        if not chosen:
            continue
        part = Verdict(tuple(chosen), 0, 0, 1.0)
        found = sum(each.delay_min is not None for each in chosen)
        table.append(
            (kind.replace("_", " "), str(len(chosen)), str(found), _minutes(part.delay_min()), f"{part.lost:.0%}")
        )
    return table


def _of_nab(checkout: Path) -> Table:
    found = nab.scores(nab.read(checkout))
    parts = ("all", *nab.SETS)
    return [("method", *parts), *((name, *(f"{by[part]:.1f}" for part in parts)) for name, by in found.items())]


def _minutes(delay: float | None) -> str:
    if delay is None:
        return "-"
    return f"{delay:.0f} min" if delay < 180 else f"{delay / 60:.1f} h"


def _seeds(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    return tuple(range(int(first), int(last) + 1)) if last else tuple(int(seed) for seed in text.split(","))


if __name__ == "__main__":
    main()
