"""A span record becomes a `Call`: the dialect that recognises it reads it."""

from __future__ import annotations

from costspan.core.call import Call
from costspan.core.record import SpanRecord


def read_call(record: SpanRecord) -> Call | None:
    """Return the call a span claims, or None for a span that is no model call. Raise MalformedRecord for one that cannot be read."""
    raise NotImplementedError
