"""The election: of all records of a call one owns it; aggregates count only where nothing below them does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final, TypeVar

from costspan.core.attribution import Attribution
from costspan.core.call import STANDARD_MODE, Call, Role, Signal, SpanClass, UsageState
from costspan.core.frozen import quickly_made
from costspan.core.link import Link
from costspan.semconv.outcome import RETRY_WITHIN_NS
from costspan.semconv.sampling import AdjustedCount, adjusted_count
from costspan.semconv.settlement.components import components
from costspan.semconv.settlement.forest import Forest
from costspan.semconv.settlement.groups import group
from costspan.semconv.settlement.likeness import has_usage
from costspan.semconv.settlement.witness import Witness, better_signal, is_unplaced, testimony

Fact = TypeVar("Fact")

_SIGNALS: Final = list(Signal)
_SHARED: Final = ("response_id", "response_model", "requested_model", "finish_reason", "time_to_first_chunk_s")
"""What a record takes from the next best one where it does not say it itself."""
_SPAN: Final = Signal.SPAN
_OWNER: Final = Role.OWNER


@quickly_made
@dataclass(frozen=True, slots=True)
class Settled:
    """A record's place: the call with what its other records add, its role, whose it is, and why."""

    call: Call
    role: Role
    owner: str | None = None
    """Identity of the record that counts instead of this one."""
    reason: str | None = None
    adjusted: AdjustedCount | None = None
    received: Call | None = None
    """The record as it was received, where `call` is not that very object."""

    @property
    def as_received(self) -> bool:
        """True when nothing was added to the record."""
        return self.received is None or self.received is self.call or self.received == self.call


def settle(calls: Sequence[Call], links: Sequence[Link], witnesses: frozenset[Witness] = frozenset()) -> list[Settled]:
    """Return the place of every call among `calls`; the result depends on what they are, never on their order.

    `calls` are all records known of the traces and response ids concerned, `links` the spans between them, and
    `witnesses` what else was heard of the sources of events and metrics.
    """
    heard = witnesses
    if any(is_unplaced(call) for call in calls):
        heard |= testimony(calls)
    settled: list[Settled] = []
    for members, above in components(sorted(calls, key=_by_time), links):
        if len(members) == 1 and _is_alone(members[0], above):
            settled.append(Settled(members[0], _OWNER, adjusted=adjusted_count(members[0].trace_state)))
        else:
            settled += _settled_together(members, above, heard)
    return settled


def _by_time(call: Call) -> tuple[int, str]:
    return call.started_at_ns, call.identity


def _is_alone(call: Call, above: Sequence[Link]) -> bool:
    """Return True for a span of which no other record says anything: what it hangs in, who it was for, sampling."""
    if call.signal is not _SPAN:
        return False
    parent = call.parent_span_id
    return not any(link.trace_state or link.span_id == parent for link in above)


def _settled_together(calls: Sequence[Call], links: Sequence[Link], heard: frozenset[Witness]) -> list[Settled]:
    ordered = sorted(calls, key=_by_time)
    forest = Forest(ordered, links)
    settled: list[Settled] = []
    for members in group(ordered, forest):
        settled += _elect(members, forest)
    settled += _aggregates(ordered, forest)
    settled = [_second_to_better_signal(place, heard) for place in settled]
    return _with_attempts(settled)


def _elect(members: list[Call], forest: Forest) -> list[Settled]:
    ranked = members
    if len(members) > 1:
        ranked = sorted(members, key=lambda call: _merit(call, forest), reverse=True)
    owner, others = ranked[0], ranked[1:]
    adjusted = next((count for call in ranked if (count := _adjusted(call, forest))), None)
    own = Settled(_merged(owner, others, forest), Role.OWNER, adjusted=adjusted, received=owner)
    return [own, *(Settled(call, Role.DUPLICATE, owner.identity, _why(call, owner), adjusted) for call in others)]


def _merit(call: Call, forest: Forest) -> tuple[object, ...]:
    """Rank by billing detail: what was measured, how sure, how fine, how much output; among equals the innermost.

    A record made while an answer was still arriving has seen less of its output than a later one of the same response.
    """
    return (
        has_usage(call),
        call.usage_state is UsageState.REPORTED,
        -_SIGNALS.index(call.signal),
        len(call.usage.quantities),
        call.mode != STANDARD_MODE,
        call.response_model is not None,
        call.response_id is not None,
        call.usage.output_tokens,
        forest.depth(call),
        -call.started_at_ns,
        call.identity,
    )


def _merged(owner: Call, others: Sequence[Call], forest: Forest) -> Call:
    """Return the owner with what only its other records, or the spans above them, say."""
    records = [owner, *others]
    above = [forest.attribution(key) for call in records for key in forest.ancestors(call)]
    if len(records) == 1 and not above:
        return owner
    attribution = reduce(Attribution.or_else, [*(call.attribution for call in records), *above])
    said: dict[str, Any] = {
        "attribution": attribution,
        "mode": next((call.mode for call in records if call.mode != STANDARD_MODE), owner.mode),
        "streamed": any(call.streamed for call in records),
        **{fact: _first(getattr(call, fact) for call in records) for fact in _SHARED},
    }
    added = {fact: value for fact, value in said.items() if value != getattr(owner, fact)}
    return replace(owner, **added) if added else owner


def _first(values: Iterable[Fact | None]) -> Fact | None:
    return next((value for value in values if value is not None), None)


def _why(call: Call, owner: Call) -> str:
    if call.signal is not owner.signal:
        return f"the {owner.signal} of the same call counts"
    if call.response_id and call.response_id == owner.response_id:
        return "same response id"
    return "same request, recorded twice"


def _aggregates(calls: Sequence[Call], forest: Forest) -> list[Settled]:
    """Settle the spans that sum up: each counts only where no record with usage is below it."""
    sums = {(call.trace_id, call.span_id): call for call in calls if call.span_class is SpanClass.AGGREGATE}
    below: dict[str, str] = {}
    for call in calls:
        if has_usage(call):
            for key in forest.ancestors(call):
                if key in sums and sums[key] is not call:
                    below.setdefault(sums[key].identity, call.identity)
    return [
        Settled(call, Role.AGGREGATE, below[call.identity], "sums up the calls below it", _adjusted(call, forest))
        if call.identity in below
        else Settled(_merged(call, (), forest), Role.OWNER, adjusted=_adjusted(call, forest), received=call)
        for call in sums.values()
    ]


def _second_to_better_signal(place: Settled, witnesses: frozenset[Witness]) -> Settled:
    if place.role is not _OWNER or not is_unplaced(place.call):
        return place
    better = better_signal(place.call, witnesses)
    if better is None:
        return place
    return replace(place, role=Role.DUPLICATE, reason=f"the same source also sends {better}s, which count")


def _adjusted(call: Call, forest: Forest) -> AdjustedCount | None:
    return adjusted_count(forest.trace_state(call))


def _with_attempts(settled: list[Settled]) -> list[Settled]:
    """Number the attempts of one operation: calls under one parent, of one model, that follow a failed one."""
    families: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
    for position, place in enumerate(settled):
        call = place.call
        if place.role is _OWNER and call.parent_span_id:
            families[call.trace_id, call.parent_span_id, call.requested_model].append(position)
    numbered = list(settled)
    for positions in families.values():
        previous: Call | None = None
        for position in sorted(positions, key=lambda p: (settled[p].call.started_at_ns, settled[p].call.identity)):
            call = settled[position].call
            if previous is not None and previous.failed and call.started_at_ns - previous.ended_at_ns < RETRY_WITHIN_NS:
                call = replace(call, attempt=max(call.attempt, previous.attempt + 1))
                received = settled[position].received or settled[position].call
                numbered[position] = replace(settled[position], call=call, received=received)
            previous = call
    return numbered
