"""What of the tables counts: the rows of postings that were committed before their epoch ended.

A question takes the snapshot first and asks under its settings: it then sees the ledger as it stood at one moment, in
however many statements, whatever is committed or half written meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from costspan.core.errors import StoreUnavailable
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.schema import LEDGER, ROLLED_UP

SEQUENCE_BITS: Final = 32
CLAIMED: Final = "claimed"
ENDED: Final = "ended"
_EPOCHS: Final = (
    f"SELECT epoch, countIf(event = '{ENDED}') > 0, minIf(last_sequence, event = '{ENDED}') "
    "FROM epochs GROUP BY epoch ORDER BY epoch"
)
_LAST: Final = (
    "SELECT toUInt32(bitAnd(posting, 4294967295)) FROM postings "
    "WHERE posting BETWEEN {first:UInt64} AND {last:UInt64} ORDER BY posting DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last posting of each epoch that counts: `ends[0]` is of epoch 1; 0 where the epoch committed nothing."""

    ends: tuple[int, ...]
    of_shards: bool = False
    merged: tuple[tuple[int, int], ...] = ()
    """Months whose roll-ups were merged, as 202611, each with the posting that did: those before count no more."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings under which a statement sees what counts, of the ledger's tables and of `postings`."""
        ends = ",".join(map(str, self.ends)) or "0"
        counts = f"bitAnd(posting, 4294967295) <= [{ends}][bitShiftRight(posting, {SEQUENCE_BITS})]"
        filters = {
            f"{name}_shard" if self.of_shards and table.shard_by else name: counts for name, table in LEDGER.items()
        }
        filters["postings"] = counts
        if self.merged:
            months, postings = (",".join(map(str, each)) for each in zip(*self.merged, strict=True))
            for name, table in ROLLED_UP.items():
                since = f"transform({table.partition_by}, [{months}], [{postings}], 0)"
                filters[name] += f" AND posting >= {since}"
        named = ", ".join(f"'{name}': '{where}'" for name, where in filters.items())
        return {"additional_table_filters": f"{{{named}}}"}


def take_snapshot(connection: Connection) -> Snapshot:
    """Return what counts now. Raise StoreUnavailable when the ledger cannot be read."""
    ends = []
    for number, (epoch, has_ended, end) in enumerate(connection.rows(_EPOCHS), 1):
        if epoch != number:
            # A claim is only ever made of the next one, so this replica has not heard of all of them yet.
            raise StoreUnavailable(f"epoch {number} of {connection.target} is not there yet")
        ends.append(end if has_ended else last_sequence(connection, epoch))
    return Snapshot(tuple(ends), connection.target.cluster is not None)


def last_sequence(connection: Connection, epoch: int) -> int:
    """Return the last posting an epoch committed so far, 0 for none."""
    first = epoch << SEQUENCE_BITS
    found = connection.rows(_LAST, {"first": first, "last": first + (1 << SEQUENCE_BITS) - 1})
    return int(found[0][0]) if found else 0
