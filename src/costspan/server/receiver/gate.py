"""Who may come in: the one place that judges a credential, whatever door it was presented at."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import os
import threading
from pathlib import Path
from typing import Final

from costspan.core.errors import ConfigError, CostspanError
from costspan.server.receiver.keys import Key, Role, read_keys, sha256_of

CHALLENGE: Final = 'Bearer realm="costspan"'
"""What a client is told that presented no key. Basic is accepted, too, but asking for it would open a browser's own
dialog where the sign-in page is wanted."""
_ALL: Final = frozenset({Role.ADMIN})
ANYBODY: Final = Key(name="", sha256="", roles=_ALL)
"""Whoever comes where no keys are set."""
_ENVIRONMENT: Final = "COSTSPAN_API_KEY"

_log = logging.getLogger("costspan.auth")


class Unauthenticated(CostspanError):
    """No key was presented, or one that is not known (HTTP 401)."""


class Forbidden(CostspanError):
    """The key may not do this (HTTP 403)."""


class Gate:
    """Knows the keys: that of the environment, which may do everything, and those of a file, read anew when it changes.

    Where neither is set it lets everybody in. Safe from several threads.
    """

    def __init__(self, api_key: str | None = None, keys_file: Path | None = None) -> None:
        """Read the file. Raise ConfigError where it is none of keys."""
        self._own = (Key(name=_ENVIRONMENT, sha256=sha256_of(api_key.encode()), roles=_ALL),) if api_key else ()
        self._file = keys_file
        self._lock = threading.Lock()
        self._seen = self._version()
        self._keys = read_keys(keys_file) if keys_file and self._seen else ()

    @property
    def is_open(self) -> bool:
        """True where no keys are set and everybody is let in."""
        return not self._own and self._file is None

    def admit(self, authorization: bytes, role: Role) -> Key:
        """Return the key an Authorization value presents. Raise Unauthenticated, or Forbidden for a wrong role."""
        if self.is_open:
            return ANYBODY
        key = self.find(credential(authorization))
        if key is None:
            raise Unauthenticated("an API key is needed")
        return allowed(key, role)

    def find(self, secret: bytes) -> Key | None:
        """Return the key with this secret."""
        presented = sha256_of(secret)
        return next((key for key in self._known() if hmac.compare_digest(key.sha256, presented)), None)

    def named(self, name: str) -> Key | None:
        """Return the key of this name."""
        return next((key for key in self._known() if key.name == name), None)

    def _known(self) -> tuple[Key, ...]:
        return (*self._own, *self._current())

    def _current(self) -> tuple[Key, ...]:
        with self._lock:
            version = self._version()
            if self._file is not None and version != self._seen:
                self._seen = version
                self._keys = self._read_again(self._file) if version else ()
            return self._keys

    def _read_again(self, file: Path) -> tuple[Key, ...]:
        try:
            keys = read_keys(file)
        except ConfigError as error:
            _log.error("the keys stay as they were: %s", error)
            return self._keys
        _log.info("%d keys read from %s", len(keys), file)
        return keys

    def _version(self) -> tuple[int, int, int] | None:
        """Return what changes when the file does, None where there is none: then nobody has a key."""
        try:
            found = os.stat(self._file) if self._file else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_ino, found.st_size) if found else None


def allowed(key: Key, role: Role) -> Key:
    """Return `key`. Raise Forbidden where it has not this role."""
    if not key.allows(role):
        raise Forbidden(f"the key {key.name} may not do this; it takes one with the role {role}")
    return key


def credential(authorization: bytes) -> bytes:
    """Return the key in an Authorization value: a bearer token, or the password of basic; empty where there is none."""
    scheme, _, presented = authorization.partition(b" ")
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(presented, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return presented.strip() if scheme.lower() == b"bearer" else b""
