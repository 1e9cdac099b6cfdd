"""What makes a record the same record when it is sent again, where it has no id of its own (accounting rule 5.1)."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from costspan.core.record import Attributes

_INSTANCE: Final = ("service.namespace", "service.name", "service.instance.id", "host.name")
"""What tells two emitters apart. The rest of a resource may be added to on the way, so it is no part of an identity."""


def content_key(kind: str, *parts: object) -> str:
    """Return `kind` and a hash of `parts`, equal for equal content whatever its encoding or order of attributes."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_plain)
    return f"{kind}/{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"


def instance(resource: Attributes) -> list[object]:
    """Return the parts of a resource that say which process spoke."""
    return [resource.get(key) for key in _INSTANCE]


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
