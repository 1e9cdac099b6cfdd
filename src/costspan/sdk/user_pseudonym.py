"""User ids leave the process as keyed hashes: the same user is the same text, and nobody can read who it is.

HMAC-SHA256 and not a bare hash, because ids and e-mail addresses can be guessed and hashed by anyone.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from costspan.sdk.safety import log_once

_KEY_BYTES: Final = 32
_PREFIX: Final = "u_"
_PSEUDONYM: Final = re.compile(r"u_[0-9a-f]{32}")


def pseudonymous(key: Callable[[], bytes]) -> Callable[[str], str]:
    """Return the function from user id to pseudonym; `key` is asked for when the first user is met."""
    known_key = functools.cache(key)

    def pseudonym(user_id: str) -> str:
        if _PSEUDONYM.fullmatch(user_id):
            return user_id  # from another service's baggage
        digest = hmac.new(known_key(), user_id.encode(), hashlib.sha256).hexdigest()
        return _PREFIX + digest[:32]

    return pseudonym


def installation_key(folder: Path) -> bytes:
    """Return this installation's own key, made on first use and readable by its owner only.

    Where the folder cannot be written the key lasts as long as the process: users then stay apart between processes.
    """
    path = folder / "hash-key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _create(path)
        return bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        log_once(f"costspan: no key at {path}; set COSTSPAN_HASH_KEY so that users keep one pseudonym everywhere")
        return secrets.token_bytes(_KEY_BYTES)


def _create(path: Path) -> None:
    if path.exists():
        return
    # Written aside and linked into place: another process never reads half a key, and the first one wins.
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
