"""Which of the spans of one call carries its cost, where two instrumentations record it.

The one that ends first, which is the innermost and knows most. The server settles the same records with the whole
trace before it, by the same rules (`semconv.settlement.likeness`); in here there is a moment's memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from costspan.core.call import Call
from costspan.semconv.settlement.likeness import has_usage, overlap, wraps

_REMEMBERED: Final = 1024
"""Calls in flight at one time; a second record that ends later than so many others is counted again."""


class CountedOnce:
    """Remembers the calls that ended last. Safe to share among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_response: OrderedDict[str, Call] = OrderedDict()
        self._by_parent: OrderedDict[tuple[str, str], Call] = OrderedDict()

    def owner_of(self, call: Call) -> Call | None:
        """Return the call that was counted already and that `call` is a second record of; else remember `call`."""
        with self._lock:
            owner = self._within(call) or self._named_alike(call)
            if owner or has_usage(call):
                self._remember(call, owner or call)
            return owner

    def _within(self, call: Call) -> Call | None:
        inner = self._by_parent.get((call.trace_id, call.span_id))
        return inner if inner and wraps(call, inner) else None

    def _named_alike(self, call: Call) -> Call | None:
        other = self._by_response.get(call.response_id or "")
        if other is None or other.span_id == call.span_id:
            return None
        return other if overlap(call, other) else None  # some servers give every response one id

    def _remember(self, call: Call, owner: Call) -> None:
        if call.response_id:
            self._by_response[call.response_id] = owner
        if call.parent_span_id:
            self._by_parent[call.trace_id, call.parent_span_id] = owner
        for memory in (self._by_response, self._by_parent):
            if len(memory) > _REMEMBERED:
                memory.popitem(last=False)
