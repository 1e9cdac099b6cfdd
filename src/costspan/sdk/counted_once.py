"""Which of the spans of one call carries its cost, where two instrumentations record it.

The one that ends first; mostly the innermost, which knows most. The server settles the same records with the whole
trace before it, by the same rules (`semconv.settlement.likeness`); in here there is a moment's memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from costspan.core.call import Call
from costspan.semconv.settlement.likeness import has_usage, overlap, wraps

_REMEMBERED: Final = 4096
"""Facts kept, three a call; a second record that ends later than so many others is counted again."""


class CountedOnce:
    """Remembers the calls that ended last. Safe to share among threads.

    Without a lock: a fork could copy it while another thread holds it, and the child's calls would wait for ever. Each
    step on the dictionary is one of the interpreter's own.
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[Hashable, Call] = OrderedDict()

    def owner_of(self, call: Call) -> Call | None:
        """Return the call that was counted already and that `call` is a second record of; else remember `call`."""
        owner = self._inside(call) or self._around(call) or self._of_one_name(call)
        if owner or has_usage(call):
            self._remember(call, owner or call)
        return owner

    def _inside(self, call: Call) -> Call | None:
        inner = self._owners.get(("below", call.trace_id, call.span_id))
        return inner if inner and wraps(call, inner) else None

    def _around(self, call: Call) -> Call | None:
        outer = self._owners.get(("is", call.trace_id, call.parent_span_id))
        return outer if outer and overlap(outer, call) and wraps(outer, call) else None

    def _of_one_name(self, call: Call) -> Call | None:
        other = self._owners.get(("named", call.response_id)) if call.response_id else None
        if other is None or other.span_id == call.span_id:
            return None
        return other if overlap(call, other) else None  # some servers give every response one id

    def _remember(self, call: Call, owner: Call) -> None:
        self._owners["is", call.trace_id, call.span_id] = owner
        if call.parent_span_id:
            self._owners["below", call.trace_id, call.parent_span_id] = owner
        if call.response_id:
            self._owners["named", call.response_id] = owner
        while len(self._owners) > _REMEMBERED:
            self._owners.popitem(last=False)
