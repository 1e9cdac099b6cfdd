"""The same postings and questions to both engines in one run: wall time, and CPU of everybody who works on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.query import ledger as duckdb_ledger
from benchmarks.query.measure import QUESTIONS
from benchmarks.scale import ledger as clickhouse_ledger
from costspan.server.store.calls import CallsQuestion
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.clickhouse.upkeep import ClickHouseUpkeep
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.entry import Batch, Posting
from costspan.server.store.ports import Store
from costspan.server.store.upkeep import Upkeep
from costspan.testing.stores import random_postings

ENGINES: Final = ("DuckDB", "ClickHouse")
POSTED_TOGETHER: Final = (500, 5_000)
_POSTINGS: Final = 4
_ROLL_UP: Final = 50_000
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall time and CPU time, the server's included, in milliseconds: the median."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine, with roll-ups or from rows alone: bytes of a call, CPU to roll it up, and each question."""

    bytes_a_call: float
    rolling_up_us: float
    questions: dict[str, Cost]


def ingest() -> dict[int, dict[str, Cost]]:
    """Return what committing a call costs, by how many are committed together and by engine."""
    return {together: _ingest(together) for together in POSTED_TOGETHER}


def _ingest(together: int) -> dict[str, Cost]:
    entries = [entry for planned in random_postings(Random(7), together) for entry in planned.entries]
    posting = Posting(Batch([entry.call for entry in entries]), (), entries)
    found = {}
    for name, opened in (("DuckDB", _duckdb), ("ClickHouse", _clickhouse)):
        with opened() as (store, cpu_s):
            cost = _timed(lambda store=store: store.commit(posting), _POSTINGS, cpu_s)
            found[name] = Cost(cost.wall_ms / together, cost.cpu_ms / together)
    return found


def questions(calls: int, rounds: int, *, rows_too: bool = True) -> dict[str, Measured]:
    """Return what each question costs by engine, in a ledger of so many calls; `rows_too`: also without roll-ups."""
    with TemporaryDirectory(prefix="costspan-scale-") as folder:
        size = duckdb_ledger.write_ledger(Path(folder), calls)
        with closing(DuckDBStore(Path(folder))) as store:
            found = _both_ways("DuckDB", store, DuckDBUpkeep(store), calls, rounds, time.process_time, rows_too, size)
    with _clickhouse() as (clickhouse, cpu_s):
        size = clickhouse_ledger.write_ledger(clickhouse, calls)
        upkeep = ClickHouseUpkeep(clickhouse)
        return found | _both_ways("ClickHouse", clickhouse, upkeep, calls, rounds, cpu_s, rows_too, size)


def _both_ways(
    engine: str,
    store: Store,
    upkeep: Upkeep,
    calls: int,
    rounds: int,
    cpu_s: Callable[[], float],
    rows_too: bool,
    size: int,
) -> dict[str, Measured]:
    found = {}
    if rows_too:
        found[f"{engine}, rows"] = Measured(size / calls, 0, _ask_all(store, rounds, cpu_s))
    started_s = cpu_s()
    while upkeep.roll_up(_ROLL_UP):
        pass
    upkeep.merge(1)
    rolling_up_us = (cpu_s() - started_s) * 1e6 / calls
    found[engine] = Measured(size / calls, rolling_up_us, _ask_all(store, rounds, cpu_s))
    return found


def _ask_all(store: Store, rounds: int, cpu_s: Callable[[], float]) -> dict[str, Cost]:
    def ask(name: str) -> None:
        question = QUESTIONS[name]
        _ = store.calls(question) if isinstance(question, CallsQuestion) else store.spend(question)

    return {name: _timed(lambda name=name: ask(name), rounds, cpu_s) for name in QUESTIONS}


def _timed(act: Callable[[], object], rounds: int, cpu_s: Callable[[], float]) -> Cost:
    act()
    wall_ms, cpu_ms = [], []
    for _ in range(rounds):
        started_s, started_cpu_s = time.perf_counter(), cpu_s()
        act()
        cpu_ms.append((cpu_s() - started_cpu_s) * 1e3)
        wall_ms.append((time.perf_counter() - started_s) * 1e3)
    return Cost(median(wall_ms), median(cpu_ms))


@contextmanager
def _duckdb() -> Iterator[tuple[Store, Callable[[], float]]]:
    with TemporaryDirectory(prefix="costspan-scale-") as folder, closing(DuckDBStore(Path(folder))) as store:
        yield store, time.process_time


@contextmanager
def _clickhouse() -> Iterator[tuple[ClickHouseStore, Callable[[], float]]]:
    """Yield a ledger on a node of its own, and what tells the CPU seconds of the node and of this process."""
    with TemporaryDirectory(prefix="costspan-scale-") as folder:
        command = [sys.executable, "-m", "costspan.testing.clickhouse_server", "--port", "0", "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
            said = re.search(r"port (\d+)", node.stdout.readline() if node.stdout else "")
            port = said[1] if said else ""
            with closing(ClickHouseStore(parse_target(f"clickhouse://127.0.0.1:{port}/scale"))) as store:
                yield store, lambda: time.process_time() + _cpu_s(node.pid)
            node.kill()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
