"""How long a month of 2.9 million calls takes to be compared with its bill, ledger on disk, both sides in full.

Run `python -m benchmarks.reconcile [CALLS]`. It writes a ledger of October by SQL, as rows of calls and charges, makes
the bill that belongs to it with one cause of drift, and prints seconds for reading the ledger's side and for the drift.
There is no peer to run beside it: no other tool compares calls with a bill.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.pricing.load import load_rate_card
from costspan.server.reconciliation.bill import Bill, BillCell, Kind
from costspan.server.reconciliation.drift import drift_of
from costspan.server.reconciliation.zone import MARGIN
from costspan.server.store.cells import CellsQuestion
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.store import DuckDBStore

OCTOBER: Final = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
MODELS: Final = ("gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini")
SERVICES: Final = 25
INPUT, OUTPUT = 1000, 200
INPUT_PICO, OUTPUT_PICO = 1_250_000, 10_000_000


def write_ledger(folder: Path, calls: int) -> None:
    """Write a ledger of `calls` calls that differ in hour, model, mode and service."""
    DuckDBStore(folder).close()
    models = ", ".join(f"'{model}'" for model in MODELS)
    zero = [f"q_{unit}" for unit in Unit if unit not in (Unit.INPUT, Unit.OUTPUT)]
    cost = INPUT * INPUT_PICO + OUTPUT * OUTPUT_PICO
    step_us = 31 * 86_400_000_000 // calls
    with duckdb.connect(str(folder / LEDGER_FILE)) as connection:
        connection.execute(
            f"""
            INSERT INTO calls BY NAME SELECT i AS entry_id, 1 AS sign, TIMESTAMP '2026-11-01' AS posted_at,
              'owner' AS role, TIMESTAMP '2026-10-01' + to_microseconds(i * {step_us}) AS started_at,
              1_000_000_000 AS duration_ns, 'openai' AS provider, [{models}][1 + i % {len(MODELS)}] AS model,
              CASE WHEN i % 11 = 0 THEN 'batch' ELSE 'standard' END AS mode, 's' || (i // 7 % {SERVICES}) AS service,
              1 AS call_count, {INPUT} AS q_input, {OUTPUT} AS q_output, {INPUT + OUTPUT} AS tokens, {cost} AS cost,
              'priced' AS price_status, {", ".join(f"0 AS {name}" for name in zero)}
            FROM range({calls}) r(i)"""
        )
        for unit, quantity, pico in (("input", INPUT, INPUT_PICO), ("output", OUTPUT, OUTPUT_PICO)):
            connection.execute(
                f"""INSERT INTO charges BY NAME SELECT entry_id, 1 AS sign, posted_at, started_at, '{unit}' AS unit,
                {quantity} AS quantity, '1' AS price, 1_000_000 AS per, {quantity * pico} AS cost FROM calls"""
            )


def bill_of(folder: Path) -> Bill:
    """Return the bill of what was written, its output a tenth larger."""
    with duckdb.connect(str(folder / LEDGER_FILE), read_only=True) as connection:
        rows = connection.execute(
            "SELECT started_at::DATE, model, mode, service, count(*) FROM calls GROUP BY ALL"
        ).fetchall()
    cells: list[BillCell] = []
    for day, model, mode, service, count in rows:
        cells += _lines(day, model, mode, service, count)
    return Bill(provider="openai", cells=tuple(cells), tells_apart=frozenset({Unit.INPUT, Unit.OUTPUT}))


def _lines(day: date, model: str, mode: str, service: str, count: int) -> list[BillCell]:
    where = {"day": day, "provider": "openai", "project": service, "model": model, "mode": mode}
    used = {Unit.INPUT: (INPUT, INPUT_PICO), Unit.OUTPUT: (OUTPUT * 11 // 10, OUTPUT_PICO)}
    cells = [BillCell(kind=Kind.USAGE, requests=count, **where)]
    for unit, (quantity, pico) in used.items():
        cells.append(BillCell(kind=Kind.USAGE, unit=unit, quantity=count * quantity, **where))
        cells.append(BillCell(kind=Kind.CHARGE, unit=unit, billed_amount=count * quantity * pico, **where))
    return cells


def main() -> None:
    """Print how long each part takes."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 2_900_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_ledger(folder, calls)
        bill = bill_of(folder)
        store, card = DuckDBStore(folder, read_only=True), load_rate_card([])
        around = Period(OCTOBER.since - MARGIN, OCTOBER.until + MARGIN)
        began = time.perf_counter()
        cells = store.ledger_cells(CellsQuestion(around, "openai"))
        read = time.perf_counter()
        found = drift_of(bill, cells, OCTOBER, settled_until=OCTOBER.until + timedelta(days=3), card=card)
        done = time.perf_counter()
        store.close()
    causes = {cause.value: round(amount / found.settled.billed, 4) for cause, amount in found.by_cause().items()}
    print(f"{calls:,} calls: {len(cells):,} cells of the ledger in {read - began:.1f} s,")
    print(f"{len(bill.cells):,} lines of the bill compared in {done - read:.1f} s; shares {causes}")


if __name__ == "__main__":
    main()
