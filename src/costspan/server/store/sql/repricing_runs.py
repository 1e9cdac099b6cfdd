"""The runs of re-pricing, and what became of the entries each corrected, in SQL."""

from __future__ import annotations

from typing import Final

from costspan.core.call import Role
from costspan.server.store.repricing import Run, RunState
from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import Ask, Dialect

_SAID: Final = "run_id, card_version, scope, state, started_at, finished_at"
_BY: Final = ", ".join(f"r.{name}" for name in _SAID.split(", "))
_RUNS: Final = f"""SELECT {_BY}, count(n.entry_id) FILTER (WHERE n.undoes IS NULL),
  count(n.entry_id) FILTER (WHERE n.stands), coalesce(max(b.restored), 0)::BIGINT, {{difference}}
FROM (SELECT {_SAID} FROM {{runs}}) AS r
LEFT JOIN (SELECT entry_id, run_id, undoes, role, cost, corrects, entry_id NOT IN (
  SELECT entry_id FROM calls WHERE sign < 0 AND run_id IS NOT NULL) AS stands
  FROM calls WHERE sign > 0 AND run_id IS NOT NULL) AS n ON n.run_id = r.run_id
LEFT JOIN (SELECT entry_id, cost FROM calls WHERE sign > 0 AND entry_id IN (
  SELECT corrects FROM calls WHERE run_id IS NOT NULL)) AS o ON o.entry_id = n.corrects
LEFT JOIN (SELECT undoes, count(*) AS restored FROM calls WHERE sign > 0 AND undoes IS NOT NULL GROUP BY undoes) AS b
  ON b.undoes = r.run_id
GROUP BY {_BY} ORDER BY r.started_at DESC, r.run_id DESC"""
_COUNTED: Final = f"n.undoes IS NULL AND n.role = '{Role.OWNER}'"


def runs(ask: Ask, dialect: Dialect, table: str) -> list[Run]:
    """Return every run of `table`, which has a row for each, the latest first."""
    difference = dialect.total("coalesce(n.cost, 0) - coalesce(o.cost, 0)", _COUNTED)
    return [
        Run(
            run_id=run_id,
            card_version=card_version,
            scope=scope,
            state=RunState(state),
            started_at=utc(started_at),
            finished_at=utc(finished_at) if finished_at else None,
            corrected=corrected,
            standing=standing,
            restored=restored,
            difference=int(difference),
        )
        for run_id, card_version, scope, state, started_at, finished_at, corrected, standing, restored, difference in (
            ask(_RUNS.format(runs=table, difference=difference), ())
        )
    ]
