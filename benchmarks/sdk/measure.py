"""All processes at once, a batch of calls in each by turns: what a neighbour takes from the machine, it takes from all.

A peer's figure is its own batch less the bare client's batch of the same turn, the median over turns and starts. Every
start is a fresh process, because memory layout and hash seeds move a figure by some percent; how far the starts lie
apart says how sure a ratio is. Batches are short and their order changes, so that what disturbs the machine is shared.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.sdk.environments import Environment
from benchmarks.sdk.peers import BARE, Peer
from benchmarks.sdk.sink import Sink

_PROGRAM: Final = Path(__file__).parent / "inside" / "program.py"
_BATCH: Final = {"chat": 5, "stream": 2}
"""Kind of call -> calls in a turn: about 5 ms."""
_OPENLIT_PRICES: Final = {"chat": {"gpt-4o-mini": {"promptPrice": 0.00015, "completionPrice": 0.0006}}}
BILLED_USD: Final = 0.00045
"""1,000 tokens at $0.15 and 500 at $0.60 a million."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: `starts` of every process, `turns` of a batch each."""

    starts: int = 10
    turns: int = 80


@dataclass(frozen=True, slots=True)
class Measured:
    """What a peer adds to the bare client of its environment. `total` is CPU of all threads, the export included.

    `starts_us` has the median of each start, by kind of call.
    """

    chat_us: float
    stream_us: float
    starts_us: Mapping[str, Sequence[float]]
    chat_total_us: float
    stream_total_us: float
    import_ms: float
    ready_ms: float
    rss_mib: float
    reported_usd: float | None


@dataclass(frozen=True, slots=True)
class _Start:
    """What one process told, before anything is subtracted."""

    import_ms: float
    ready_ms: float
    rss_mib: float
    thread_us: Mapping[str, Sequence[float]]
    total_us: Mapping[str, float]


class _Process:
    def __init__(self, popen: subprocess.Popen[str], log: Path) -> None:
        self._popen = popen
        self._log = log
        self.started: dict[str, float] = self._read()

    def ask(self, line: str) -> dict[str, float]:
        """Return the answer to one line."""
        assert self._popen.stdin
        self._popen.stdin.write(f"{line}\n")
        self._popen.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, float]:
        assert self._popen.stdout
        told = self._popen.stdout.readline()
        if not told:
            said = self._log.read_text().strip().splitlines() or ["without a word"]
            raise RuntimeError(f"ended early: {said[-1]}")
        document: dict[str, float] = json.loads(told)
        return document


def measure(peers: Mapping[Peer, Environment], effort: Effort) -> tuple[dict[str, float], dict[Peer, Measured]]:
    """Return what a call of the bare client takes, by kind, and what each peer adds."""
    bare = {found.client_version: found.python for found in peers.values()}
    pythons = {**{_bare(version): (BARE, python) for version, python in bare.items()}}
    pythons |= {peer.name: (peer.set_up, found.python) for peer, found in peers.items()}
    with Sink() as sink, tempfile.TemporaryDirectory(prefix="bench-sdk-") as folder:
        starts = [_measured_start(pythons, sink, Path(folder), effort.turns) for _ in range(effort.starts)]
        added = {
            peer: _added(
                [(start[peer.name], start[_bare(found.client_version)]) for start in starts],
                sink.reported_usd(peer.set_up),
            )
            for peer, found in peers.items()
        }
    newest = _bare(max(bare))
    return {kind: median(us for start in starts for us in start[newest].thread_us[kind]) for kind in _BATCH}, added


def fault(peer: Peer, environment: Environment) -> str | None:
    """Return the last words of a peer that does not start, or None."""
    with Sink() as sink, tempfile.TemporaryDirectory(prefix="bench-sdk-") as folder:
        try:
            with _running(environment.python, peer.set_up, sink.address(peer.set_up), Path(folder)):
                return None
        except RuntimeError as error:
            return str(error)


def _bare(client_version: str) -> str:
    return f"{BARE} {client_version}"


def _measured_start(pythons: Mapping[str, tuple[str, Path]], sink: Sink, folder: Path, turns: int) -> dict[str, _Start]:
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(_running(python, set_up, sink.address(set_up), folder))
            for name, (set_up, python) in pythons.items()
        }
        thread_us: dict[str, dict[str, list[float]]] = {name: {} for name in processes}
        total_us: dict[str, dict[str, float]] = {name: {} for name in processes}
        rss_mib = {}
        for kind, count in _BATCH.items():
            before = {name: process.ask("flush")["process_us"] for name, process in processes.items()}
            for name, us in _turns(processes, f"{kind} {count}", turns):
                thread_us[name].setdefault(kind, []).append(us)
            for name, process in processes.items():
                after = process.ask("flush")
                total_us[name][kind] = (after["process_us"] - before[name]) / (turns * count)
                rss_mib[name] = after["rss_mib"]
        return {
            name: _Start(**process.started, rss_mib=rss_mib[name], thread_us=thread_us[name], total_us=total_us[name])
            for name, process in processes.items()
        }


def _turns(processes: Mapping[str, _Process], line: str, turns: int) -> Iterator[tuple[str, float]]:
    order = list(processes.items())
    for _ in range(turns):
        random.shuffle(order)
        for name, process in order:
            yield name, process.ask(line)["thread_us"]


@contextmanager
def _running(python: Path, set_up: str, sink: str, folder: Path) -> Iterator[_Process]:
    prices = folder / "openlit_prices.json"
    prices.write_text(json.dumps(_OPENLIT_PRICES))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
    environment = {**kept, "HOME": str(folder), "BENCH_OPENLIT_PRICES": str(prices), "PYTHONDONTWRITEBYTECODE": ""}
    log_file = folder / f"{set_up}.log"
    with log_file.open("a") as log:
        popen = subprocess.Popen(
            [python, _PROGRAM, set_up, sink],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
            env=environment,
        )
    with popen:
        try:
            yield _Process(popen, log_file)
        finally:
            popen.kill()


def _added(pairs: Iterable[tuple[_Start, _Start]], reported_usd: float | None) -> Measured:
    """Return the medians of what the first of each pair took beyond the second, the bare client."""
    pairs = list(pairs)

    def thread_us(own: _Start, bare: _Start, kind: str) -> list[float]:
        return [mine - alone for mine, alone in zip(own.thread_us[kind], bare.thread_us[kind], strict=True)]

    turns_us = {kind: [thread_us(own, bare, kind) for own, bare in pairs] for kind in _BATCH}

    def total_us(kind: str) -> float:
        return median(own.total_us[kind] - bare.total_us[kind] for own, bare in pairs)

    return Measured(
        chat_us=median(us for start in turns_us["chat"] for us in start),
        stream_us=median(us for start in turns_us["stream"] for us in start),
        starts_us={kind: [median(start) for start in starts] for kind, starts in turns_us.items()},
        chat_total_us=total_us("chat"),
        stream_total_us=total_us("stream"),
        import_ms=median(own.import_ms - bare.import_ms for own, bare in pairs),
        ready_ms=median(own.ready_ms - bare.ready_ms for own, bare in pairs),
        rss_mib=median(own.rss_mib - bare.rss_mib for own, bare in pairs),
        reported_usd=reported_usd,
    )
