"""Records of the same call, brought together: by response id, by span, by nesting, by echo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from costspan.core.call import Call, SpanClass
from costspan.semconv.settlement.forest import Forest
from costspan.semconv.settlement.likeness import echoes, has_usage, wraps

_INFERENCE: Final = SpanClass.INFERENCE


class Groups:
    """A partition of calls into groups that speak of one request."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = {call.identity: call for call in calls}
        self._members: dict[str, frozenset[str]] = {identity: frozenset({identity}) for identity in self._calls}

    def unite(self, one: Call, other: Call) -> None:
        """Say that two records are of one call."""
        if one is other:
            return
        together = self._members[one.identity] | self._members[other.identity]
        for identity in together:
            self._members[identity] = together

    def scopes(self, call: Call) -> frozenset[str]:
        """Return the instrumentations that recorded the call."""
        return frozenset(self._calls[identity].scope_name for identity in self._members[call.identity])

    def lists(self) -> list[list[Call]]:
        """Return the groups, each once."""
        return [[self._calls[identity] for identity in sorted(members)] for members in set(self._members.values())]


def group(calls: Sequence[Call], forest: Forest) -> list[list[Call]]:
    """Return the requests among `calls` as groups of their records. Aggregates are left out: they are no request."""
    requests = [call for call in calls if call.span_class is _INFERENCE]
    groups = Groups(requests)
    _by_response_id(requests, groups)
    _by_span(requests, groups)
    _by_nesting(requests, groups, forest)
    _by_echo(requests, groups)
    return groups.lists()


def _by_response_id(calls: Sequence[Call], groups: Groups) -> None:
    first: dict[str, Call] = {}
    for call in calls:
        if call.response_id:
            groups.unite(first.setdefault(call.response_id, call), call)


def _by_span(calls: Sequence[Call], groups: Groups) -> None:
    """Unite an event with the span it was emitted in."""
    first: dict[tuple[str, str], Call] = {}
    for call in calls:
        if call.trace_id and call.span_id:
            groups.unite(first.setdefault((call.trace_id, call.span_id), call), call)


def _by_nesting(calls: Sequence[Call], groups: Groups, forest: Forest) -> None:
    """Unite a record with the one it wraps: of several below it the last that matches, the others were retries."""
    by_span = {(call.trace_id, call.span_id): call for call in calls if not call.event_key}
    below: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        nearest = next((by_span[key] for key in forest.ancestors(call) if key in by_span), None)
        if nearest is not None and nearest is not call:
            below[nearest.identity].append(call)
    for outer in calls:
        matching = [inner for inner in below[outer.identity] if wraps(outer, inner)]
        if not has_usage(outer) or not outer.failed:
            matching = [inner for inner in matching if has_usage(inner)] or matching
        if matching:
            groups.unite(outer, max(matching, key=lambda inner: (inner.ended_at_ns, inner.identity)))


def _by_echo(calls: Sequence[Call], groups: Groups) -> None:
    by_trace: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.trace_id:
            by_trace[call.trace_id].append(call)
    for members in by_trace.values():
        ordered = sorted(members, key=lambda call: (call.started_at_ns, call.identity))
        for position, one in enumerate(ordered):
            for other in ordered[position + 1 :]:
                if other.started_at_ns > one.ended_at_ns:
                    break
                if echoes(one, other) and not groups.scopes(one) & groups.scopes(other):
                    groups.unite(one, other)
