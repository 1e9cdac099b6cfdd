"""Tool uses: entered, and found again by trace when it is settled anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from costspan.core.attribution import DIMENSIONS
from costspan.core.tool import ToolUse
from costspan.server.store.clickhouse.connection import Connection, key_set
from costspan.server.store.clickhouse.snapshot import Snapshot
from costspan.server.store.clickhouse.times import WITHIN
from costspan.server.store.encoding import decode_use, encode_use
from costspan.server.store.entry import Standing, ToolEntry

_NEAR: Final = (
    "SELECT any(use) AS used, entry_id, any(digest) FROM tools "
    f"WHERE {WITHIN} AND trace_id IN <traces> GROUP BY entry_id HAVING sum(sign) > 0"
)


def columns(ids: Sequence[int], entries: Sequence[ToolEntry]) -> dict[str, list[Any]]:
    """Return the columns of tool entries under `ids`."""
    said = [entry.attribution for entry in entries]
    return {
        "entry_id": list(ids),
        "trace_id": [bytes.fromhex(entry.use.trace_id) for entry in entries],
        "span_id": [int(entry.use.span_id, 16) for entry in entries],
        "started_at": [entry.use.started_at_ns // 1000 for entry in entries],
        "digest": [entry.digest for entry in entries],
        "use": [encode_use(entry.use) for entry in entries],
        **{name: [getattr(one, name) for one in said] for name in DIMENSIONS},
        "tags": [dict(one.tags) for one in said],
    }


def near(
    connection: Connection, snapshot: Snapshot, trace_ids: Iterable[str], times: Mapping[str, int]
) -> tuple[tuple[ToolUse, ...], dict[str, Standing]]:
    """Return the tool uses of `trace_ids` as received, and the entries that stand for them by identity."""
    wanted = [bytes.fromhex(trace_id) for trace_id in trace_ids]
    if not wanted:
        return (), {}
    query = _NEAR.replace("<traces>", key_set(wanted))
    rows = connection.rows(query, times, settings=snapshot.settings, as_bytes=("used",))
    uses = tuple(decode_use(row[0]) for row in rows)
    return uses, {use.identity: Standing(row[1], row[2]) for use, row in zip(uses, rows, strict=True)}
