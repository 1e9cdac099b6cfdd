"""`ledger_cells` of a ledger file."""

from __future__ import annotations

import duckdb

from costspan.server.store.cells import CellsQuestion, LedgerCell
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.rollups import ROWS_SINCE, mark
from costspan.server.store.sql import ledger_cells as cells
from costspan.server.store.sql.dialect import DUCKDB


def ledger_cells(connection: duckdb.DuckDBPyConnection, question: CellsQuestion) -> list[LedgerCell]:
    """Return the cells in order."""
    return cells.ledger_cells(asking(connection), DUCKDB, question, mark(connection, ROWS_SINCE))
