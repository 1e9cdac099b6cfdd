"""Who may come in: the one place that judges a credential, whatever door it was presented at."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

from costspan.core.errors import CostspanError

CHALLENGE: Final = 'Basic realm="costspan", charset="UTF-8"'
"""What a browser is told, so that it asks for the key."""


class Unauthenticated(CostspanError):
    """No key was presented, or one that is not known (HTTP 401)."""


class Gate:
    """Lets requests in that present the key; all of them where there is none."""

    def __init__(self, api_key: str | None) -> None:
        self._key = None if api_key is None else api_key.encode()

    def admit(self, authorization: bytes) -> None:
        """Return for an Authorization value that presents the key. Raise Unauthenticated for any other."""
        if self._key is not None and not secrets.compare_digest(credential(authorization), self._key):
            raise Unauthenticated("an API key is needed")


def credential(authorization: bytes) -> bytes:
    """Return the key in an Authorization value: a bearer token, or the password of a browser; empty where none is."""
    scheme, _, presented = authorization.partition(b" ")
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(presented, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return presented.strip() if scheme.lower() == b"bearer" else b""
