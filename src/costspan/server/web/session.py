"""Signed-in browsers: a key exchanged for a cookie that scripts cannot read and other sites cannot send."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final

from costspan.server.receiver.gate import Gate
from costspan.server.receiver.keys import Key

COOKIE: Final = "costspan_session"
LASTS_S: Final = 12 * 3600


class Sessions:
    """Issues and reads session cookies. They end after 12 hours, with their key, and with the process."""

    def __init__(self, gate: Gate, clock_s: Callable[[], float] = time.time) -> None:
        self._gate = gate
        self._clock_s = clock_s
        self._secret = secrets.token_bytes(32)

    def issue(self, key: Key) -> str:
        """Return the value of a new session's cookie."""
        expires = int(self._clock_s()) + LASTS_S
        return f"{key.name}.{expires}.{self._signature(key, expires)}"

    def key(self, cookies: str) -> Key | None:
        """Return the key of the session a Cookie header presents; None where there is none that still holds."""
        try:
            morsel = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return None
        # The name of a key may hold dots itself.
        name, _, rest = morsel.value.rpartition(".")[0].rpartition(".") if morsel else ("", "", "")
        if morsel is None or not rest.isdecimal() or len(rest) > 12 or int(rest) < self._clock_s():
            return None
        key = self._gate.named(name)
        signature = morsel.value.rpartition(".")[2]
        if key is None or not hmac.compare_digest(signature.encode(), self._signature(key, int(rest)).encode()):
            return None
        return key

    def _signature(self, key: Key, expires: int) -> str:
        # The key's own hash is signed with its name, so that a key made anew under the name does not inherit.
        return hmac.new(self._secret, f"{key.name}.{expires}.{key.sha256}".encode(), hashlib.sha256).hexdigest()
