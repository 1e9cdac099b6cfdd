"""What a notifier is: something that sends a notification. The base of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from costspan.server.alerts.notification import Notification


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt at sending a notification. `in_doubt`: an earlier one may have arrived."""

    notification: Notification
    attempt: int = 1
    in_doubt: bool = False


class Notifier(Protocol):
    """Sends. Safe from several threads; its text shows no secret."""

    def send(self, sending: Sending) -> None:
        """Deliver, within seconds. Raise RetryableError where it may succeed later, PermanentError where it cannot."""


@dataclass(frozen=True, slots=True)
class NotifierKind:
    """An entry of `notifiers:` with `key` is of this kind; `keys` are all it may have.

    `make` gets the entry, its `${NAME}` filled in, and makes a notifier of it; it raises UsageError for a wrong value.
    """

    key: str
    keys: tuple[str, ...]
    make: Callable[[Mapping[str, Any]], Notifier]
