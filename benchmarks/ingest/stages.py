"""`python -m benchmarks.ingest.stages`: where the CPU time of a span goes, stage by stage, in one process.

The requests of the ingest benchmark walk through the real parts: unpack, decode, read, keep, settle, price, commit.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.ingest.measure import MIXES
from benchmarks.ingest.workload import SPANS_PER_REQUEST, requests
from benchmarks.table import plain
from costspan.pricing.load import load_rate_card
from costspan.semconv.normalize import span_markers
from costspan.server.pipeline import decode_protobuf, settlement, signals
from costspan.server.pipeline.keeping import keep
from costspan.server.receiver.limits import unpack
from costspan.server.runtime import COLLECT_AFTER
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch

REQUESTS_PER_COMMIT = 10
WARM_UP_REQUESTS = 10


class _Stages:
    """CPU seconds by stage. A stage that another one calls is taken out of it."""

    def __init__(self) -> None:
        self.spent_s: Counter[str] = Counter()
        self._inner_s = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        outer_s, self._inner_s = self._inner_s, 0.0
        began_s = time.process_time()
        try:
            yield
        finally:
            took_s = time.process_time() - began_s
            self.spent_s[name] += took_s - self._inner_s
            self._inner_s = outer_s + took_s

    def wrap(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            with self.stage(name):
                return act(*arguments)

        return timed


class _TimedLedger:
    def __init__(self, store: DuckDBStore, stages: _Stages) -> None:
        for name in ("known", "neighbourhood", "commit", "metric_state"):
            setattr(self, name, stages.wrap("look around" if name != "commit" else "commit", getattr(store, name)))


def measure(request_count: int, genai_percent: int, *, keeps_records: bool) -> list[str]:
    """Return the table's row of one mix: microseconds a span by stage, spans per CPU-second, bytes a call on disk.

    With `keeps_records` what came in is kept for replay, as it is by default.
    """
    bodies, card = requests(WARM_UP_REQUESTS + request_count, genai_percent), load_rate_card()
    with TemporaryDirectory() as folder:
        store, stages, calls = DuckDBStore(Path(folder)), _Stages(), 0
        settle = settlement.settle
        for first in range(0, len(bodies), REQUESTS_PER_COMMIT):
            if first == WARM_UP_REQUESTS:
                stages.spent_s.clear()
            settlement.settle = stages.wrap("settle", settle)
            batches = [
                _read(body, stages, keeps_records=keeps_records) for body in bodies[first : first + REQUESTS_PER_COMMIT]
            ]
            group = Batch(*([one for batch in batches for one in part(batch)] for part in _PARTS))
            calls += len(group.calls)
            with stages.stage("price, compare"):
                settlement.post(_TimedLedger(store, stages), group, card)
            settlement.settle = settle
        store.close()
        size = (Path(folder) / LEDGER_FILE).stat().st_size
    spans = request_count * SPANS_PER_REQUEST
    total_s = sum(stages.spent_s.values())
    figures = [f"{stages.spent_s[stage] * 1e6 / spans:.1f}" for stage in _STAGES]
    return [
        f"{genai_percent} %{', kept' if keeps_records else ''}",
        *figures,
        f"{total_s * 1e6 / spans:.1f}",
        f"{spans / total_s:,.0f}",
        f"{size / calls:.0f}",
    ]


_PARTS: tuple[Callable[[Batch], Any], ...] = (
    lambda batch: batch.calls,
    lambda batch: batch.links,
    lambda batch: batch.points,
    lambda batch: batch.tools,
    lambda batch: batch.kept,
)
_STAGES = ("unpack", "decode", "read", "keep", "look around", "settle", "price, compare", "commit")


def _read(body: bytes, stages: _Stages, *, keeps_records: bool) -> Batch:
    with stages.stage("unpack"):
        unpacked = unpack(body, "gzip")
    decode = decode_protobuf.decode_traces
    try:
        decode_protobuf.decode_traces = stages.wrap("decode", decode)
        with stages.stage("read"):
            received = signals.traces(unpacked, signals.PROTOBUF)
    finally:
        decode_protobuf.decode_traces = decode
    if not keeps_records:
        return received.batch
    with stages.stage("keep"):
        return replace(received.batch, kept=keep(received.records))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest.stages", description=__doc__)
    parser.add_argument("--requests", type=int, default=100, help="of 512 spans (default: %(default)s)")
    arguments = parser.parse_args()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    span_markers()
    head = ("genai", *(f"{stage} us" for stage in _STAGES), "total us", "spans/CPU-s", "B/call")
    rows = [measure(arguments.requests, mix, keeps_records=keeps) for mix in MIXES for keeps in (False, True)]
    print(plain([head, *rows]))


if __name__ == "__main__":
    main()
