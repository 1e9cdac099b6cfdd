"""A ledger of many calls, written straight into the store by SQL: what is measured is reading.

Thirty days in order of arrival, 20 models of three providers, ten features in five teams, 40,000 users of which few are
busy; one call in a hundred fails, one in fifty is cut off, one record in twenty is a duplicate.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from costspan.server.store.duckdb.connection import LEDGER_FILE, open_ledger_file

DAYS: Final = 30
UNTIL: Final = datetime(2026, 11, 21, tzinfo=UTC)
SINCE: Final = UNTIL - timedelta(days=DAYS)
_STEP: Final = 1_000_000
_POSTED_TOGETHER: Final = 5_000

_COLUMNS: Final = {
    "entry_id": "i + 1",
    "sign": "1",
    "posted_at": f"make_timestamp($since + i // {_POSTED_TOGETHER} * {_POSTED_TOGETHER} * $apart)",
    "key": "uuid()",
    "digest": "''",
    "as_received": "TRUE",
    "signal": "'span'",
    "call_count": "1",
    "trace_id": "md5((i // 6)::VARCHAR)::UUID",
    "span_id": "i::UBIGINT",
    "started_at": "make_timestamp($since + i * $apart)",
    "started_ns": "0",
    "duration_ns": "(exp(random() * 4 + 6) * 1e6)::BIGINT",
    "ttft_ns": "(exp(random() * 3 + 5) * 1e6)::BIGINT",
    "role": "CASE WHEN chance % 20 = 0 THEN 'duplicate' ELSE 'owner' END",
    "dialect": "'otel_genai'",
    "operation": "'chat'",
    "provider": "['openai', 'anthropic', 'google'][1 + model_number % 3]",
    "model": "'model-' || model_number",
    "requested_model": "'model-' || model_number",
    "response_model": "'model-' || model_number",
    "mode": "'standard'",
    "finish_reason": "CASE WHEN chance % 50 = 0 THEN 'length' ELSE 'stop' END",
    "error_type": "CASE WHEN chance % 97 = 0 THEN ['timeout', 'rate_limit'][1 + chance % 2] END",
    "attempt": "1",
    "service": "'service-' || feature_number % 4",
    "environment": "'production'",
    "feature": "'feature-' || feature_number",
    "team": "'team-' || feature_number % 5",
    "user_id": "'user-' || floor(40000 * pow(random(), 3))::INTEGER",
    "q_input": "(random() * 5000)::BIGINT",
    "q_output": "(random() * 800)::BIGINT",
    "q_cache_read": "(random() * 3000)::BIGINT",
    "tokens": "5000",
    "usage_state": "'reported'",
    "price_status": "'priced'",
    "card_version": "'benchmark'",
    "cost": "CASE WHEN chance % 97 <> 0 THEN (random() * 1e10)::BIGINT END",
    "list_cost": "CASE WHEN chance % 97 <> 0 THEN 5000000000 END",
    "input_cost": "CASE WHEN chance % 97 <> 0 THEN 2000000000 END",
    "cache_read_cost": "CASE WHEN chance % 97 <> 0 THEN 500000000 END",
    "cache_write_cost": "CASE WHEN chance % 97 <> 0 THEN 0 END",
    "output_cost": "CASE WHEN chance % 97 <> 0 THEN 3000000000 END",
    "fee_cost": "CASE WHEN chance % 97 <> 0 THEN 0 END",
}


def write_ledger(folder: Path, calls: int, until: datetime = UNTIL) -> int:
    """Write a ledger of so many calls up to `until` into `folder`; return the size of its file in bytes."""
    since_us = int((until - timedelta(days=DAYS)).timestamp()) * 1_000_000
    with open_ledger_file(folder) as connection:
        quantities = _quantities(connection)
        values = _COLUMNS | {name: "0" for name in quantities if name not in _COLUMNS}
        apart = DAYS * 86_400 * 1_000_000 // calls
        for first in range(0, calls, _STEP):
            numbered = (
                "SELECT range::BIGINT AS i, (hash(range) % 1000003)::BIGINT AS chance "
                f"FROM range({first}, {min(calls, first + _STEP)})"
            )
            told = "SELECT *, chance % 1009 % 20 AS model_number, chance // 1009 % 10 AS feature_number "
            expressions = ", ".join(values.values()).replace("$apart", str(apart)).replace("$since", str(since_us))
            connection.execute(
                f"INSERT INTO calls ({', '.join(values)}) SELECT {expressions} FROM ({told} FROM ({numbered}))"
            )
        connection.execute("CHECKPOINT")
    return (folder / LEDGER_FILE).stat().st_size


def _quantities(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = 'calls' AND starts_with(column_name, 'q_')"
    ).fetchall()
    return [name for (name,) in rows]
