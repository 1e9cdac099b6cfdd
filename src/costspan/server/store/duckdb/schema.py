"""The tables. `rows` lists the columns of `calls`.

`calls` holds an entry per record with its verdict; `records` what came in where no entry says all of it: spans that
are no calls, events, and records to which something was added; `charges` the ledger lines of the entries that count;
`tools` the tool uses, which are no calls; `bill_sheets` and `reconciliations` a provider's bill and how it compares;
`received` what came as it came, for a later reading. All but the last, and but the tables of `alerts`, only grow: a
correction is a row with `sign`
-1 that repeats the entry it takes back, followed by the new one, so every total is a signed sum and never depends on
which entry is the latest.
"""

from __future__ import annotations

from typing import Final

from costspan.core.attribution import DIMENSIONS
from costspan.server.store.duckdb import alerts, kept, rollups
from costspan.server.store.duckdb.arrow import sql_type
from costspan.server.store.rows import CALL_KINDS

SCHEMA_VERSION: Final = 8
TAGS_TYPE: Final = "MAP(VARCHAR, VARCHAR)"


_POSTING: Final = "entry_id BIGINT NOT NULL, sign TINYINT NOT NULL, posted_at TIMESTAMP NOT NULL"
_OWN_TYPES: Final = {"tags": TAGS_TYPE, "started_ns": "SMALLINT"}
_CALLS: Final = ", ".join(
    f"{name} {_OWN_TYPES.get(name, sql_type(kind))}" for name, kind in CALL_KINDS.items() if name != "entry_id"
)
CORRECTION: Final = {
    "run_id": "VARCHAR",
    "corrects": "BIGINT",
    "undoes": "VARCHAR",
    "booked_at": "TIMESTAMP",
    "adjusts": "VARCHAR",
}
"""Set on the lines that re-pricing posts: which run, which entry it corrects, which run it takes back; and where the
call's own month is closed, when the line counts instead and the month it belongs to. NULL on all others."""
_CORRECTION: Final = ", ".join(f"{name} {kept_as}" for name, kept_as in CORRECTION.items())
_RUNS: Final = """run_id VARCHAR PRIMARY KEY, card_version VARCHAR NOT NULL, scope VARCHAR NOT NULL,
state VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP"""
_CHARGES: Final = """started_at TIMESTAMP NOT NULL, unit VARCHAR NOT NULL, quantity BIGINT NOT NULL,
price VARCHAR NOT NULL, per BIGINT NOT NULL, list_cost BIGINT, cost BIGINT NOT NULL"""

_TOOLS: Final = f"""trace_id UUID NOT NULL, span_id UBIGINT NOT NULL, started_at TIMESTAMP NOT NULL,
digest VARCHAR NOT NULL, use BLOB NOT NULL, {", ".join(f"{name} VARCHAR" for name in DIMENSIONS)},
tags MAP(VARCHAR, VARCHAR)"""

_RECORDS: Final = """key UUID NOT NULL, trace_id UUID, span_id UBIGINT, parent_span_id UBIGINT,
started_at TIMESTAMP NOT NULL, received_at TIMESTAMP NOT NULL, response_id VARCHAR, call BLOB, trace_state VARCHAR,
attribution VARCHAR"""

_BILL_SHEETS: Final = """provider VARCHAR NOT NULL, source VARCHAR NOT NULL, report VARCHAR NOT NULL,
since TIMESTAMP NOT NULL, until TIMESTAMP NOT NULL, fetched_at TIMESTAMP NOT NULL, digest VARCHAR NOT NULL, body BLOB,
posted_at TIMESTAMP NOT NULL"""
_RECONCILIATIONS: Final = """reconciliation_id VARCHAR NOT NULL, provider VARCHAR NOT NULL, since TIMESTAMP NOT NULL,
until TIMESTAMP NOT NULL, made_at TIMESTAMP NOT NULL, state VARCHAR NOT NULL, net_share DOUBLE, gross_share DOUBLE,
unexplained_share DOUBLE, drift_limit DOUBLE NOT NULL, digest VARCHAR NOT NULL, document VARCHAR NOT NULL"""

_SERIES: Final = "series VARCHAR NOT NULL, start_ns BIGINT, time_ns BIGINT, value BIGINT, requests BIGINT"

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS ledger_schema (version INTEGER NOT NULL)",
    f"CREATE TABLE IF NOT EXISTS metric_series ({_SERIES})",
    f"CREATE TABLE IF NOT EXISTS records ({_RECORDS})",
    f"CREATE TABLE IF NOT EXISTS calls ({_POSTING}, {_CALLS}, {_CORRECTION})",
    f"CREATE TABLE IF NOT EXISTS charges ({_POSTING}, {_CHARGES})",
    f"CREATE TABLE IF NOT EXISTS tools ({_POSTING}, {_TOOLS})",
    f"CREATE TABLE IF NOT EXISTS reprice_runs ({_RUNS})",
    f"CREATE TABLE IF NOT EXISTS bill_sheets ({_BILL_SHEETS})",
    f"CREATE TABLE IF NOT EXISTS reconciliations ({_RECONCILIATIONS})",
    *rollups.DDL,
    *kept.DDL,
    *alerts.DDL,
)

RECEIVED: Final = """(
SELECT key, trace_id, span_id, parent_span_id, started_at, response_id, call, trace_state, attribution,
  NULL::BIGINT AS entry_id FROM records
UNION ALL
SELECT key, trace_id, span_id, parent_span_id, started_at, response_id, NULL, trace_state, NULL, entry_id FROM calls
WHERE as_received AND sign > 0
)"""
"""Every record, wherever it is kept; of one that was entered more than once, each entry. An entry of a record that is
read otherwise by now no longer stands for it: `as_received` is false then."""
