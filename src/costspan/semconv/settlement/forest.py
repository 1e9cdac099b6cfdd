"""The spans of the traces concerned as a forest: who is above whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import Call, Signal
from costspan.core.link import Link

MAX_DEPTH: Final = 256
"""How far up a span's ancestors are followed. Deeper traces are not seen in the field; a loop of parents ends here."""

_SPAN: Final = Signal.SPAN

SpanKey = tuple[str, str]
"""(trace id, span id)."""


class Forest:
    """Parent links of calls and of the spans between them."""

    def __init__(self, calls: Sequence[Call], links: Sequence[Link]) -> None:
        self._parents: dict[SpanKey, str | None] = {}
        self._attributions: dict[SpanKey, Attribution] = {}
        self._trace_states: dict[str, dict[str, str]] = {}
        self._above: dict[SpanKey, list[SpanKey]] = {}
        spans: list[Link | Call] = [*links, *(call for call in calls if call.signal is _SPAN)]
        for span in spans:
            key = (span.trace_id, span.span_id)
            self._parents[key] = span.parent_span_id
            self._attributions[key] = span.attribution
            if span.trace_state:
                self._trace_states.setdefault(span.trace_id, {})[span.span_id] = span.trace_state

    def ancestors(self, call: Call) -> list[SpanKey]:
        """Return the spans above `call`, nearest first. An event hangs in its span, which is its nearest."""
        key = (call.trace_id, call.span_id)
        in_span = call.signal is not _SPAN and key in self._parents
        return [key, *self.above(key)] if in_span else self.above(key)

    def above(self, key: SpanKey) -> list[SpanKey]:
        """Return the known spans above the one at `key`, nearest first.

        Spans that are their own ancestors are a sender's mistake; nothing is above them, so that they cannot cancel
        one another out.
        """
        found = self._above.get(key)
        if found is None:
            found = self._above[key] = self._find_above(key)
        return found

    def _find_above(self, key: SpanKey) -> list[SpanKey]:
        path = [key]
        while len(path) <= MAX_DEPTH:
            parent = self._parents.get(path[-1])
            above = (key[0], parent)
            if parent is None or above not in self._parents:
                break
            if above in path:
                path = path[: max(path.index(above), 1)]
                break
            path.append((key[0], parent))
        return path[1:]

    def depth(self, call: Call) -> int:
        """Return how many known spans are above `call`."""
        return len(self.ancestors(call))

    def attribution(self, key: SpanKey) -> Attribution:
        """Return what the span at `key` says of whom it was for."""
        return self._attributions[key]

    def trace_state(self, call: Call) -> str:
        """Return the tracestate that says how `call` was sampled: its own, else its root's, else any of its trace.

        Python's probability sampler writes the threshold on root spans only; the trace was sampled as a whole.
        """
        if call.trace_state:
            return call.trace_state
        states = self._trace_states.get(call.trace_id, {})
        for span_id in sorted(states, key=lambda span_id: (self._parents[call.trace_id, span_id] is not None, span_id)):
            if states[span_id]:
                return states[span_id]
        return ""
