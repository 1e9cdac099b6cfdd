"""What alerting keeps, as values: how every alert stands, what it did, what is still to be told, what is silenced.

The documents are JSON of whoever keeps them here; the store looks at nothing in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

AlertKey = tuple[str, str]
"""The name of a rule, and the text of a group."""


class SendState(StrEnum):
    """How far a notification has come."""

    QUEUED = "queued"
    SENDING = "sending"
    """An attempt was begun. Found after a restart: nobody knows whether it arrived."""
    SENT = "sent"
    DEAD = "dead"
    """Given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """Something that happened to an alert; `state` is what it became, `note` why nobody was told, where nobody was."""

    at: datetime
    key: AlertKey
    state: str
    note: str = ""
    document: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedNotification:
    """A notification for one notifier. `id` is the same whenever the same is to be told."""

    id: str
    notifier: str
    rule: str
    created_at: datetime
    due_at: datetime
    document: str
    state: SendState = SendState.QUEUED
    attempts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSilence:
    """No notifications of alerts that all of `matchers` (`key:value`) fit, from `starts_at` up to `ends_at`."""

    id: str
    matchers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    comment: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanges:
    """What one round of judging changes; all of it is kept, or none."""

    judged_at: Mapping[str, datetime] = field(default_factory=dict)
    standing: Mapping[AlertKey, str] = field(default_factory=dict)
    gone: Sequence[AlertKey] = ()
    events: Sequence[AlertEvent] = ()
    notifications: Sequence[QueuedNotification] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStanding:
    """Everything a round of judging starts from."""

    judged_at: Mapping[str, datetime] = field(default_factory=dict)
    standing: Mapping[AlertKey, str] = field(default_factory=dict)
    silences: Sequence[StoredSilence] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBook:
    """Everything that is kept, in order; `standing` is rule, group and document."""

    judged_at: Mapping[str, datetime] = field(default_factory=dict)
    standing: tuple[tuple[str, str, str], ...] = ()
    events: tuple[AlertEvent, ...] = ()
    notifications: tuple[QueuedNotification, ...] = ()
    silences: tuple[StoredSilence, ...] = ()


class AlertReader(Protocol):
    """Reads what is kept. Safe from several threads; raises StoreUnavailable when it cannot be read."""

    def standing(self) -> AlertStanding:
        """Return how everything stands; silences that are over are left out a day later."""

    def events(self, limit: int, rule: str | None = None) -> Sequence[AlertEvent]:
        """Return the latest events, the latest first."""

    def notifications(self, states: Sequence[SendState], limit: int) -> Sequence[QueuedNotification]:
        """Return notifications in any of `states`, the latest first."""


class AlertStore(AlertReader, Protocol):
    """Keeps what alerting must not forget. What writes runs on the thread that writes the ledger."""

    def commit(self, changes: AlertChanges) -> None:
        """Keep the changes, durably, all or none. A notification whose id and notifier are there is not added again."""

    def due(self, notifier: str, now: datetime) -> QueuedNotification | None:
        """Return the oldest notification to send that is due, None where there is none.

        One whose rule has an older one that is not sent yet waits for it.
        """

    def put_notification(self, notification: QueuedNotification) -> None:
        """Keep how far a notification has come."""

    def put_silence(self, silence: StoredSilence) -> None:
        """Keep a silence, in place of one with its id."""
