"""How much all requests together may hold between their first byte and their answer, and how long one may take."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

from costspan.core.errors import ConfigError, RetryableError
from costspan.server.receiver.limits import MAX_BODY_BYTES, MAX_WIRE_BYTES


class Busy(RetryableError):
    """Too much is in flight already."""


class TooSlow(RetryableError):
    """The request did not arrive in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The `limits` of costspan.yaml."""

    receive_timeout_s: int = 30
    """How long the headers of a request may take to arrive, and then its body."""
    in_flight_bytes: int = 128 * 1024 * 1024
    """What requests may hold together, as sent and unpacked."""
    in_flight_requests: int = 256
    """Requests that are decoded or wait for their commit."""
    decode_processes: int = 0
    """Processes that read requests beside the server's own; 0 reads them within it."""


_LEAST: Final = Limits(
    receive_timeout_s=1, in_flight_bytes=MAX_WIRE_BYTES + MAX_BODY_BYTES, in_flight_requests=1, decode_processes=0
)
"""The largest request must fit where nothing else is in flight, or its sender would be told to come back for ever."""


def parse_limits(sent: Any, where: str) -> Limits:
    """Return the limits a settings file says, the defaults for what it leaves out. Raise ConfigError naming the key."""
    if sent is None:
        return Limits()
    if not isinstance(sent, Mapping):
        raise ConfigError(f"{where}: limits: a mapping is expected, as in limits: {{receive_timeout_s: 30}}")
    names = [item.name for item in fields(Limits)]
    for name, value in sent.items():
        if name not in names:
            raise ConfigError(f"{where}: limits: unknown key {name!r}; known: {', '.join(names)}")
        least = getattr(_LEAST, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"{where}: limits: {name}: a whole number from {least} up is expected, not {value!r}")
    return Limits(**sent)


class Room:
    """The bytes all requests in flight may hold together. Safe from several threads."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = self._free_bytes = size_bytes
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """What requests hold now."""
        return self._size_bytes - self._free_bytes

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Yield one request's share, which is given back at the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            self.take(-share.held_bytes)

    def take(self, size_bytes: int) -> None:
        """Take so many bytes. Raise Busy where they are not free."""
        with self._lock:
            if size_bytes > self._free_bytes:
                raise Busy("too many bytes in flight", retry_after_s=1)
            self._free_bytes -= size_bytes


class Share:
    """What one request holds of a room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.held_bytes = 0

    def grow(self, by_bytes: int) -> None:
        """Hold more. Raise Busy where there is no room for it."""
        self._room.take(by_bytes)
        self.held_bytes += by_bytes
