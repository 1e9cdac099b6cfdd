"""How far upkeep has come: moments by name, each set under a posting, so that it holds exactly when that counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.snapshot import Snapshot
from costspan.server.store.sql.conditions import naive

ROLLED_UP_TO: Final = "rolled_up_to"
"""The last `posted_at` the roll-ups contain."""
ROWS_SINCE: Final = "rows_since"
"""The hour before which calls are kept in roll-ups alone."""
MERGED: Final = "merged "
"""With a month behind it, as in `merged 202611`: its roll-ups from before the posting of the mark count no more."""

_LATEST: Final = "SELECT name, posting, moment FROM marks ORDER BY posting DESC LIMIT 1 BY name"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a ledger; `merged` as `Snapshot` has it. Moments are naive, in UTC."""

    rolled_up_to: datetime | None = None
    rows_since: datetime | None = None
    merged: tuple[tuple[int, int], ...] = ()


def read_marks(connection: Connection, snapshot: Snapshot) -> Marks:
    """Return the marks as they stand in a snapshot. Raise StoreUnavailable."""
    found = {
        name: (posting, naive(moment)) for name, posting, moment in connection.rows(_LATEST, settings=snapshot.settings)
    }
    months = sorted(name for name in found if name.startswith(MERGED))
    return Marks(
        found[ROLLED_UP_TO][1] if ROLLED_UP_TO in found else None,
        found[ROWS_SINCE][1] if ROWS_SINCE in found else None,
        tuple((int(name.removeprefix(MERGED)), found[name][0]) for name in months),
    )


def with_roll_ups(snapshot: Snapshot, marks: Marks) -> Snapshot:
    """Return the snapshot for questions that read roll-ups."""
    return replace(snapshot, merged=marks.merged)
