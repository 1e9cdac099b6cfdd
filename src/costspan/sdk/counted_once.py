"""One call that two instrumentations saw is one cost: a framework's span around the client's, and the client's own.

The server settles this from whole traces; a metric has only the moment a span ends, when the inner one came first.
"""

from __future__ import annotations

import threading
from typing import Final

from costspan.core.call import Call

_REMEMBERED: Final = 10_000


class CountedOnce:
    """Remembers the latest calls by response id and by the span around them."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}
        self._lock = threading.Lock()

    def first_time(self, call: Call) -> bool:
        """Return False where `call` repeats a call counted before: same response id, or its child was counted."""
        own = f"{call.trace_id}/{call.span_id}"
        response = f"{call.provider}/{call.response_id}" if call.response_id else None
        around = f"{call.trace_id}/{call.parent_span_id}" if call.parent_span_id else None
        with self._lock:
            first = own not in self._seen and response not in self._seen
            self._seen.update((mark, None) for mark in (around, response) if mark)
            while len(self._seen) > _REMEMBERED:
                self._seen.pop(next(iter(self._seen)))
        return first
