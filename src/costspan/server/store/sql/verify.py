"""The look over the entries of a day: do charges add up to calls, and reversals to what they take back?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import Ask
from costspan.server.store.upkeep import Finding

_DAY: Final = timedelta(days=1)
_OF_DAY: Final = "started_at >= ? AND started_at < ?"
_ENTRIES: Final = f"SELECT count(*) FROM calls WHERE {_OF_DAY} AND sign > 0"
_CHECKS: Final = {
    "entries that are taken back more often than they were posted, or twice": (
        f"SELECT count(*) FROM (SELECT entry_id FROM calls WHERE {_OF_DAY} GROUP BY entry_id "
        "HAVING sum(sign) NOT IN (0, 1) OR count(*) > 2)"
    ),
    "reversals that differ in money from what they take back": (
        f"SELECT count(*) FROM (SELECT entry_id FROM calls WHERE {_OF_DAY} GROUP BY entry_id "
        "HAVING sum(sign) = 0 AND (sum(sign * coalesce(cost, 0)) <> 0 OR count(DISTINCT cost) > 1))"
    ),
    "records with more than one entry that stands": (
        f"SELECT count(*) FROM (SELECT key FROM calls WHERE {_OF_DAY} GROUP BY key HAVING sum(sign) > 1)"
    ),
    "calls whose charges do not add up to their cost": (
        "SELECT count(*) FROM (SELECT entry_id, sum(paid) AS due FROM ("
        f"SELECT entry_id, sign * coalesce(cost, 0) AS paid FROM calls WHERE {_OF_DAY} AND role = 'owner' UNION ALL "
        f"SELECT entry_id, -sign * cost FROM charges WHERE {_OF_DAY}) GROUP BY entry_id HAVING due <> 0)"
    ),
}


def entries_of_day(ask: Ask, day: datetime) -> tuple[int, list[Finding]]:
    """Return how many entries began on a day, and what is wrong with them."""
    findings = []
    [(entries,)] = ask(_ENTRIES, [day, day + _DAY])
    for what, query in _CHECKS.items():
        [(rows,)] = ask(query, [day, day + _DAY] * (query.count("?") // 2))
        if rows:
            findings.append(Finding(utc(day), what, int(rows)))
    return int(entries), findings
