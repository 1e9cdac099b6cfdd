"""The embedded ledger's side of alerting: a few small tables in the ledger's own file, written by its one writer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb

from costspan.core.clock import Clock, system_clock
from costspan.server.store.alerts import (
    AlertChanges,
    AlertEvent,
    AlertKey,
    AlertStanding,
    QueuedNotification,
    SendState,
    StoredSilence,
)
from costspan.server.store.sql.conditions import naive, utc

if TYPE_CHECKING:
    from costspan.server.store.duckdb.store import DuckDBStore
    from costspan.server.store.duckdb.writer import Writer

Answer = TypeVar("Answer")

_KEPT: Final = timedelta(days=1)
_TABLES: Final = {
    "alert_rounds": "rule VARCHAR NOT NULL, judged_at TIMESTAMP NOT NULL",
    "alert_standing": "rule VARCHAR NOT NULL, grouped VARCHAR NOT NULL, document VARCHAR NOT NULL",
    "alert_events": """happened_at TIMESTAMP NOT NULL, rule VARCHAR NOT NULL, grouped VARCHAR NOT NULL,
state VARCHAR NOT NULL, note VARCHAR NOT NULL, document VARCHAR NOT NULL""",
    "alert_outbox": """id VARCHAR NOT NULL, notifier VARCHAR NOT NULL, rule VARCHAR NOT NULL,
created_at TIMESTAMP NOT NULL, due_at TIMESTAMP NOT NULL, document VARCHAR NOT NULL, state VARCHAR NOT NULL,
attempts INTEGER NOT NULL, error VARCHAR NOT NULL""",
    "alert_silences": """id VARCHAR NOT NULL, matchers VARCHAR NOT NULL, starts_at TIMESTAMP NOT NULL,
ends_at TIMESTAMP NOT NULL, comment VARCHAR NOT NULL, author VARCHAR NOT NULL""",
}
DDL: Final = tuple(f"CREATE TABLE IF NOT EXISTS {name} ({columns})" for name, columns in _TABLES.items())
_OUTBOX: Final = "id, notifier, rule, created_at, due_at, document, state, attempts, error"
_ENQUEUE: Final = (
    f"INSERT INTO alert_outbox ({_OUTBOX}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 "
    "WHERE NOT EXISTS (SELECT 1 FROM alert_outbox WHERE id = $1 AND notifier = $2)"
)
_OPEN: Final = "state IN ('queued', 'sending')"
_DUE: Final = (
    f"SELECT {_OUTBOX} FROM (SELECT *, rowid AS place, min(rowid) OVER (PARTITION BY rule) AS first FROM alert_outbox "
    f"WHERE notifier = ? AND {_OPEN}) WHERE place = first AND due_at <= ? ORDER BY place LIMIT 1"
)


class DuckDBAlerts:
    """The port `AlertStore` over one ledger file."""

    def __init__(self, store: DuckDBStore, clock: Clock = system_clock) -> None:
        self._store = store
        self._clock = clock

    def standing(self) -> AlertStanding:
        """Return how everything stands."""
        since = naive(self._clock() - _KEPT)

        def ask(connection: duckdb.DuckDBPyConnection) -> AlertStanding:
            rounds = connection.execute("SELECT rule, judged_at FROM alert_rounds").fetchall()
            standing = connection.execute("SELECT rule, grouped, document FROM alert_standing").fetchall()
            silences = connection.execute(
                "SELECT id, matchers, starts_at, ends_at, comment, author FROM alert_silences WHERE ends_at > ? "
                "ORDER BY id",
                [since],
            ).fetchall()
            return AlertStanding(
                judged_at={rule: utc(at) for rule, at in rounds},
                standing={(rule, grouped): document for rule, grouped, document in standing},
                silences=tuple(map(_silence, silences)),
            )

        return self._store.look(ask)

    def events(self, limit: int, rule: str | None = None) -> Sequence[AlertEvent]:
        """Return the latest events, the latest first."""
        query = (
            "SELECT happened_at, rule, grouped, state, note, document FROM alert_events WHERE rule = coalesce(?, rule) "
            "ORDER BY happened_at DESC, rowid DESC LIMIT ?"
        )
        return [
            AlertEvent(at=utc(at), key=(of, grouped), state=state, note=note, document=document)
            for at, of, grouped, state, note, document in self._rows(query, rule, limit)
        ]

    def notifications(self, states: Sequence[SendState], limit: int) -> Sequence[QueuedNotification]:
        """Return notifications in any of `states`, the latest first."""
        query = f"SELECT {_OUTBOX} FROM alert_outbox WHERE list_contains(?, state) ORDER BY rowid DESC LIMIT ?"
        return [_notification(row) for row in self._rows(query, [state.value for state in states], limit)]

    def due(self, notifier: str, now: datetime) -> QueuedNotification | None:
        """Return the oldest notification to send that is due and waits for no other of its rule."""
        return next(map(_notification, self._rows(_DUE, notifier, naive(now))), None)

    def commit(self, changes: AlertChanges) -> None:
        """Keep the changes in one transaction."""
        self._write(lambda connection: _commit(connection, changes))

    def put_notification(self, notification: QueuedNotification) -> None:
        """Keep how far a notification has come."""
        self._write(
            lambda connection: connection.execute(
                "UPDATE alert_outbox SET state = ?, attempts = ?, error = ?, due_at = ? WHERE id = ? AND notifier = ?",
                [
                    notification.state.value,
                    notification.attempts,
                    notification.error,
                    naive(notification.due_at),
                    notification.id,
                    notification.notifier,
                ],
            )
        )

    def put_silence(self, silence: StoredSilence) -> None:
        """Keep a silence, in place of one with its id."""
        said = [
            silence.id,
            json.dumps(silence.matchers),
            naive(silence.starts_at),
            naive(silence.ends_at),
            silence.comment,
            silence.author,
        ]

        def put(connection: duckdb.DuckDBPyConnection) -> None:
            connection.execute("DELETE FROM alert_silences WHERE id = ?", [silence.id])
            connection.execute("INSERT INTO alert_silences VALUES (?, ?, ?, ?, ?, ?)", said)

        self._write(put)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._store.look(lambda connection: connection.execute(query, values).fetchall())

    def _write(self, act: Callable[[duckdb.DuckDBPyConnection], object]) -> None:
        def write(writer: Writer) -> None:
            with writer.transaction():
                act(writer.connection)

        self._store.tend(write)


def _commit(connection: duckdb.DuckDBPyConnection, changes: AlertChanges) -> None:
    for rule, at in changes.judged_at.items():
        [(known,)] = connection.execute("SELECT count(*) FROM alert_rounds WHERE rule = ?", [rule]).fetchall()
        statement = "UPDATE alert_rounds SET judged_at = $2 WHERE rule = $1" if known else _FIRST_ROUND
        connection.execute(statement, [rule, naive(at)])
    replaced: list[AlertKey] = [*changes.gone, *changes.standing]
    for key in replaced:
        connection.execute("DELETE FROM alert_standing WHERE rule = ? AND grouped = ?", key)
    for (rule, grouped), document in changes.standing.items():
        connection.execute("INSERT INTO alert_standing VALUES (?, ?, ?)", [rule, grouped, document])
    for event in changes.events:
        said = [naive(event.at), *event.key, event.state, event.note, event.document]
        connection.execute("INSERT INTO alert_events VALUES (?, ?, ?, ?, ?, ?)", said)
    for each in changes.notifications:
        connection.execute(
            _ENQUEUE,
            [
                each.id,
                each.notifier,
                each.rule,
                naive(each.created_at),
                naive(each.due_at),
                each.document,
                each.state.value,
                each.attempts,
                each.error,
            ],
        )


_FIRST_ROUND: Final = "INSERT INTO alert_rounds VALUES ($1, $2)"


def _notification(row: tuple[Any, ...]) -> QueuedNotification:
    named = dict(zip(_OUTBOX.split(", "), row, strict=True))
    moments = {name: utc(named[name]) for name in ("created_at", "due_at")}
    return QueuedNotification(**{**named, **moments, "state": SendState(named["state"])})


def _silence(row: tuple[Any, ...]) -> StoredSilence:
    silence_id, matchers, starts_at, ends_at, comment, author = row
    return StoredSilence(
        id=silence_id,
        matchers=tuple(json.loads(matchers)),
        starts_at=utc(starts_at),
        ends_at=utc(ends_at),
        comment=comment,
        author=author,
    )
