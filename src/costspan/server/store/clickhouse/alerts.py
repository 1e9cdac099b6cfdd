"""What alerting must not forget, on ClickHouse: a log of what was done to it, read again by whoever is asked.

What the log means is `memory_alerts`: a process does to one of those what the log says, from the last entry that says
all. Each entry is a posting of its own, so what a writer adds after it was replaced counts for nobody here either.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from costspan.core.clock import Clock, system_clock
from costspan.server.store.alerts import (
    AlertBook,
    AlertChanges,
    AlertEvent,
    AlertKey,
    AlertStanding,
    QueuedNotification,
    SendState,
    StoredSilence,
)
from costspan.server.store.clickhouse.ledger import ClickHouseLedger
from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.memory_alerts import MemoryAlerts

Answer = TypeVar("Answer")

WHOLE_EVERY: Final = 500
"""Entries after which one says all, so that no process reads more than that."""
_KEPT: Final = 10_000
"""Events and finished notifications that such an entry says, the latest."""
_LATER: Final = (
    "SELECT posting, document FROM alert_log WHERE posting > {after:UInt64} "
    "AND posting >= (SELECT max(posting) FROM alert_log WHERE is_whole) ORDER BY posting"
)
_ENCODER: Final = msgspec.msgpack.Encoder()
_KIND: Final = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])


class _Changes(msgspec.Struct):
    """`AlertChanges` without keys of more than one part."""

    judged_at: dict[str, datetime]
    standing: list[tuple[str, str, str]]
    gone: list[AlertKey]
    events: list[AlertEvent]
    notifications: list[QueuedNotification]


_DECODERS: Final[dict[str, msgspec.msgpack.Decoder[Any]]] = {
    "changes": msgspec.msgpack.Decoder(_Changes),
    "notification": msgspec.msgpack.Decoder(QueuedNotification),
    "silence": msgspec.msgpack.Decoder(StoredSilence),
    "all": msgspec.msgpack.Decoder(AlertBook),
}


class ClickHouseAlerts:
    """The port `AlertStore` over one ledger. What writes raises StoreUnavailable where another process settles."""

    def __init__(
        self, ledger: ClickHouseLedger, clock: Clock = system_clock, *, whole_every: int = WHOLE_EVERY
    ) -> None:
        self._ledger = ledger
        self._whole_every = whole_every
        self._clock = clock
        self._reading = threading.Lock()
        self._ended: tuple[int, ...] = ()
        self._begin()

    def standing(self) -> AlertStanding:
        """Return how everything stands."""
        return self._read(MemoryAlerts.standing)

    def events(self, limit: int, rule: str | None = None) -> Sequence[AlertEvent]:
        """Return the latest events, the latest first."""
        return self._read(lambda kept: kept.events(limit, rule))

    def notifications(self, states: Sequence[SendState], limit: int) -> Sequence[QueuedNotification]:
        """Return notifications in any of `states`, the latest first."""
        return self._read(lambda kept: kept.notifications(states, limit))

    def due(self, notifier: str, now: datetime) -> QueuedNotification | None:
        """Return the oldest notification to send that is due and waits for no other of its rule."""
        return self._read(lambda kept: kept.due(notifier, now))

    def commit(self, changes: AlertChanges) -> None:
        """Keep the changes in one commit."""
        said = _Changes(
            judged_at=dict(changes.judged_at),
            standing=[(*key, document) for key, document in changes.standing.items()],
            gone=list(changes.gone),
            events=list(changes.events),
            notifications=list(changes.notifications),
        )
        self._write("changes", said)

    def put_notification(self, notification: QueuedNotification) -> None:
        """Keep how far a notification has come."""
        self._write("notification", notification)

    def put_silence(self, silence: StoredSilence) -> None:
        """Keep a silence, in place of one with its id."""
        self._write("silence", silence)

    def _begin(self) -> None:
        self._kept = MemoryAlerts(self._clock)
        self._last_posting = 0
        self._since_whole = 0

    def _read(self, ask: Callable[[MemoryAlerts], Answer]) -> Answer:
        with self._reading:
            self._catch_up()
            return ask(self._kept)

    def _write(self, kind: str, said: object) -> None:
        self._ledger.note(_ENCODER.encode((kind, said)), is_whole=False)
        with self._reading:
            self._catch_up()
            book = self._kept.book(_KEPT) if self._since_whole >= self._whole_every else None
        if book is not None:
            self._ledger.note(_ENCODER.encode(("all", book)), is_whole=True)

    def _catch_up(self) -> None:
        snapshot = take_snapshot(self._ledger.connection)
        if snapshot.ends[:-1] != self._ended:
            # Somebody took over, and what was read of the epoch before may have been more than it ended with.
            self._ended = snapshot.ends[:-1]
            self._begin()
        rows = self._ledger.connection.rows(
            _LATER, {"after": self._last_posting}, settings=snapshot.settings, as_bytes=("document",)
        )
        for posting, document in rows:
            self._do(document)
            self._last_posting = posting

    def _do(self, document: bytes) -> None:
        kind, encoded = _KIND.decode(document)
        said = _DECODERS[kind].decode(encoded)
        self._since_whole += 1
        match said:
            case AlertBook():
                self._kept = MemoryAlerts(self._clock, said)
                self._since_whole = 0
            case QueuedNotification():
                self._kept.put_notification(said)
            case StoredSilence():
                self._kept.put_silence(said)
            case _Changes():
                self._kept.commit(
                    AlertChanges(
                        judged_at=said.judged_at,
                        standing={(rule, group): text for rule, group, text in said.standing},
                        gone=said.gone,
                        events=said.events,
                        notifications=said.notifications,
                    )
                )
