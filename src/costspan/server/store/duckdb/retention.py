"""Removing what is past its time, a day at a time: received records, rows of calls, spans that nothing hangs on.

Totals stay: before an hour's rows go its roll-ups are complete, and from then on the ledger answers for it from them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import duckdb

from costspan.server.store.duckdb.rollups import MARK, ROWS_SINCE, mark, set_mark
from costspan.server.store.duckdb.schema import RECEIVED
from costspan.server.store.ports import SETTLING_WINDOW
from costspan.server.store.sql.plan import COUNTED_AT

_DAY: Final = timedelta(days=1)
_THINNED: Final = "links_thinned_to"
"""The moment of arrival up to which spans that nothing hangs on are gone."""
_WINDOW: Final = f"INTERVAL {int(SETTLING_WINDOW.total_seconds())} SECOND"

_DATED: Final = {"calls": COUNTED_AT, "charges": "started_at", "tools": "started_at", "records": "started_at"}
_POSTED: Final = "posted_at <= ?"
# The spans of a day of arrivals, and every span that a call or a tool use of their traces hangs below.
_THIN: Final = f"""
WITH RECURSIVE
loose AS (SELECT trace_id, span_id, started_at FROM records
  WHERE call IS NULL AND received_at >= $since AND received_at < $until),
bounds AS (SELECT min(started_at) - {_WINDOW} AS first, max(started_at) + {_WINDOW} AS last FROM loose),
near AS (SELECT r.trace_id, r.span_id, r.parent_span_id, r.call IS NOT NULL OR r.entry_id IS NOT NULL AS counts
  FROM {RECEIVED} r, bounds
  WHERE r.started_at BETWEEN bounds.first AND bounds.last AND r.trace_id IN (SELECT trace_id FROM loose)),
used AS (SELECT t.trace_id, t.span_id FROM tools t, bounds WHERE t.started_at BETWEEN bounds.first AND bounds.last
  AND t.trace_id IN (SELECT trace_id FROM loose)),
kept AS (SELECT trace_id, parent_span_id AS span_id FROM near WHERE counts AND parent_span_id IS NOT NULL
  UNION SELECT trace_id, span_id FROM used
  UNION SELECT n.trace_id, n.parent_span_id FROM near n JOIN kept k USING (trace_id, span_id)
  WHERE n.parent_span_id IS NOT NULL)
DELETE FROM records WHERE call IS NULL AND received_at >= $since AND received_at < $until
AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.trace_id = records.trace_id AND k.span_id = records.span_id)
"""


def remove_calls(connection: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Remove rows of calls that count before the day of a moment, of one day at most; return how many went.

    Within the caller's transaction. Nothing goes that is not rolled up.
    """
    before = before.replace(hour=0, minute=0, second=0, microsecond=0)
    rolled_up_to, since = mark(connection, MARK), mark(connection, ROWS_SINCE)
    [(first,)] = connection.execute(
        f"SELECT min({COUNTED_AT}) FROM calls WHERE {_POSTED} AND started_at < ?", [rolled_up_to, before]
    ).fetchall()
    if rolled_up_to is None or first is None or first >= before:
        return 0
    until = first.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    gone = 0
    for table, dated in _DATED.items():
        posted = "received_at <= ?" if table == "records" else _POSTED
        [(rows,)] = connection.execute(
            f"DELETE FROM {table} WHERE {dated} < ? AND {posted}", [until, rolled_up_to]
        ).fetchall()
        gone += rows if table == "calls" else 0
    # Who it was goes with the rows.
    connection.execute("DELETE FROM user_rollups WHERE day < ?", [until])
    if since is None or since < until:
        set_mark(connection, ROWS_SINCE, until)
    return gone


def remove_loose_links(connection: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Remove spans received before a moment that are no calls and that none hangs on, of one day of arrivals at most.

    Within the caller's transaction. Return how many went; -1 where the day held none but there are more days.
    """
    since = mark(connection, _THINNED)
    if since is None:
        [(since,)] = connection.execute("SELECT min(received_at) FROM records").fetchall()
    if since is None or since >= before:
        return 0
    until = min(before, since + _DAY)
    [(gone,)] = connection.execute(_THIN, {"since": since, "until": until}).fetchall()
    set_mark(connection, _THINNED, until)
    return int(gone) or (-1 if until < before else 0)
