"""Asking the questions, warm, from rows alone and then with roll-ups, of the same ledger in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.query.ledger import SINCE, UNTIL, write_ledger
from costspan.core.period import Period
from costspan.server.store.calls import CallOrder, CallsQuestion
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.question import Filter, Interval, SpendQuestion

# As the dashboard asks: up to now, which is no whole hour, and for percentiles where it shows some.
_NOW: Final = UNTIL - timedelta(minutes=17)
SPAN: Final = (SINCE, _NOW)
_MONTH: Final = Period(*SPAN)
_DAY: Final = Period(_NOW - timedelta(hours=24), _NOW)
_HOUR: Final = Period(_NOW - timedelta(hours=1), _NOW)
QUESTIONS: Final[dict[str, SpendQuestion | CallsQuestion]] = {
    "cost by day and model, 30 days": SpendQuestion(_MONTH, ("model",), Interval.DAY, measures=("cost", "calls")),
    "20 dearest users by cost, 30 days": SpendQuestion(_MONTH, ("user",), limit=20, measures=("cost",)),
    "20 dearest users, 30 days, with percentiles": SpendQuestion(_MONTH, ("user",), limit=20),
    "percentiles by model, 30 days": SpendQuestion(_MONTH, ("model",)),
    "errors by type, 30 days": SpendQuestion(_MONTH, ("error_type",), measures=("cost", "calls")),
    "one team by day, 30 days, with percentiles": SpendQuestion(
        _MONTH, (), Interval.DAY, filters=(Filter("team", "team-1"),)
    ),
    "cost by feature, last hour, with percentiles": SpendQuestion(_HOUR, ("feature",)),
    "20 dearest calls, 24 hours": CallsQuestion(_DAY, order=CallOrder.COST, limit=20),
}
_ROLL_UP: Final = 50_000


@dataclass(frozen=True, slots=True)
class Timed:
    """One question: wall time at p50 and p95 and CPU time at p50, in milliseconds."""

    wall_p50_ms: float
    wall_p95_ms: float
    cpu_p50_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One ledger: its size, what rolling it up took, each question from rows and with roll-ups.

    Of a ledger that was rolled up before, what that took and the questions from rows are not known.
    """

    calls: int
    file_bytes: int
    rolling_up_cpu_us: float | None
    of_rows: dict[str, Timed]
    rolled_up: dict[str, Timed]


def measure(calls: int, rounds: int, folder: Path | None = None) -> Measured:
    """Write a ledger of so many calls and ask each question `rounds` times, both ways.

    One that is in `folder` already is asked as it is, rolled up.
    """
    if folder is None:
        with TemporaryDirectory(prefix="costspan-query-") as made:
            return measure(calls, rounds, Path(made))
    kept = (folder / LEDGER_FILE).exists()
    if not kept:
        write_ledger(folder, calls)
    with closing(DuckDBStore(folder)) as store:
        of_rows = {} if kept else _ask_all(store, rounds)
        rolling_up_cpu_us = None if kept else _roll_up(DuckDBUpkeep(store)) * 1e6 / calls
        rolled_up = _ask_all(store, rounds)
    return Measured(calls, (folder / LEDGER_FILE).stat().st_size, rolling_up_cpu_us, of_rows, rolled_up)


def _roll_up(upkeep: DuckDBUpkeep) -> float:
    """Roll up everything; return the CPU seconds it took."""
    started_s = time.process_time()
    while upkeep.roll_up(_ROLL_UP):
        pass
    upkeep.merge(1)
    upkeep.checkpoint()
    return time.process_time() - started_s


def _ask_all(store: DuckDBStore, rounds: int) -> dict[str, Timed]:
    return {
        name: timed(lambda question=question: _ask(store, question), rounds) for name, question in QUESTIONS.items()
    }


def _ask(store: DuckDBStore, question: SpendQuestion | CallsQuestion) -> Any:
    return store.calls(question) if isinstance(question, CallsQuestion) else store.spend(question)


def timed(ask: Callable[[], Any], rounds: int, cpu_s: Callable[[], float] = time.process_time) -> Timed:
    """Return what asking takes once it is warm; `cpu_s` reads the processor time of who answers."""
    ask()
    wall_ms, cpu_ms = [], []
    for _ in range(rounds):
        started, started_cpu = time.perf_counter(), cpu_s()
        ask()
        cpu_ms.append((cpu_s() - started_cpu) * 1e3)
        wall_ms.append((time.perf_counter() - started) * 1e3)
    return Timed(at_percent(wall_ms, 50), at_percent(wall_ms, 95), at_percent(cpu_ms, 50))


def at_percent(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
