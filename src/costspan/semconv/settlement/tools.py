"""What tools cost: fees, calls inside them, and the completion that reads their results (accounting rule 8).

No call counts twice. Of its cost the fees go to the tools its provider ran; the rest goes to the tool uses whose
results the call reads, or else to the innermost tool it ran inside, or to none. So the figures of nested tools add up:
an outer tool shows what it caused beside its inner tools, never their part again. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import SpanClass
from costspan.core.tool import ToolUse
from costspan.core.units import Unit
from costspan.semconv.settlement.forest import MAX_DEPTH, Forest

PROVIDER_TOOLS: Final = (Unit.WEB_SEARCH, Unit.GROUNDING, Unit.CODE_EXECUTION)
"""Tools the provider runs within a call and bills by use; each is called as its unit."""

_COMPLETIONS: Final = frozenset({"chat", "generate_content", "text_completion"})
"""Operations that can read the result of a tool."""

_SCOPES: Final = 2
"""How far up, in spans, the loop of a tool is looked for: its parent, then its grandparent (step or node spans)."""


class Part(StrEnum):
    """Why a tool is charged with a share of a call."""

    FEE = "fee"
    INSIDE = "inside"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class Fee:
    """What a call was billed for uses of a tool its provider ran, in pico-dollars."""

    unit: Unit
    quantity: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostedCall:
    """A call that counts. `cost` in pico-dollars contains `fees`, and is None where unknown."""

    identity: str
    span_id: str | None
    started_at_ns: int
    operation: str
    span_class: SpanClass
    agent: str | None
    failed: bool
    cost: int | None
    fees: tuple[Fee, ...] = ()

    @property
    def is_completion(self) -> bool:
        """True when the call can read the result of a tool."""
        return self.span_class is SpanClass.INFERENCE and self.operation in _COMPLETIONS


@dataclass(frozen=True, slots=True)
class ToolTrace:
    """One trace: the parent of every known span by span id, its tool uses (settled), the calls that count."""

    parents: Mapping[str, str | None]
    uses: Sequence[ToolUse]
    calls: Sequence[CostedCall]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of one call's cost that a tool caused: `use` is None for a tool the provider ran.

    `amount` in pico-dollars is None where the call's cost is unknown; `quantity` counts the uses a fee was for.
    """

    call: CostedCall
    part: Part
    tool: str
    use: ToolUse | None
    amount: int | None
    quantity: int = 0


def tool_attribution(use: ToolUse, forest: Forest) -> Attribution:
    """Return whom a tool use was for: what it says itself, then the spans above it, nearest first."""
    above = (forest.attribution(key) for key in forest.above((use.trace_id, use.span_id)))
    return reduce(Attribution.or_else, above, use.attribution)


def tool_shares(trace: ToolTrace) -> list[Share]:
    """Return who caused what in `trace`. The shares of a call sum to its cost or to its fees; order never matters."""
    places = _Places(trace)
    read_by = _readers(trace, places)
    shares: list[Share] = []
    for call in sorted(trace.calls, key=_call_order):
        shares += [Share(call, Part.FEE, fee.unit.value, None, fee.cost, fee.quantity) for fee in call.fees]
        rest = None if call.cost is None else call.cost - sum(fee.cost for fee in call.fees)
        readers = read_by.get(call.identity)
        if readers:
            parts = _even(rest, len(readers))
            ordered = sorted(readers, key=_use_order)
            shares += [Share(call, Part.FOLLOW_UP, u.name, u, part) for u, part in zip(ordered, parts, strict=True)]
        elif (inside := places.tool_around(call)) is not None:
            shares.append(Share(call, Part.INSIDE, inside.name, inside, rest))
    return shares


def _even(amount: int | None, count: int) -> list[int | None]:
    """Split into whole parts that sum to `amount`; the first ones take what does not divide."""
    if amount is None:
        return [None] * count
    part, rest = divmod(amount, count)
    return [part + (position < rest) for position in range(count)]


def _readers(trace: ToolTrace, places: _Places) -> dict[str, list[ToolUse]]:
    """Return the tool uses whose results each completion reads, by the completion's identity."""
    completions = sorted((call for call in trace.calls if call.is_completion), key=_call_order)
    below: dict[str, list[CostedCall]] = defaultdict(list)
    for call in completions:
        for span_id in places.chain(call.span_id):
            below[span_id].append(call)
    readers: dict[str, list[ToolUse]] = defaultdict(list)
    for use in trace.uses:
        for call in _follow_ups(use, below, places):
            readers[call.identity].append(use)
    return readers


def _follow_ups(use: ToolUse, below: Mapping[str, list[CostedCall]], places: _Places) -> list[CostedCall]:
    """Return the attempts of the first completion after the tool in its own loop: failed ones, then one that is not."""
    around = places.tool_above(use)
    for scope in places.chain(use.span_id)[1 : 1 + _SCOPES]:
        after = below.get(scope, [])
        attempts = []
        for call in after[bisect_left(after, _us(use.ended_at_ns), key=lambda call: _us(call.started_at_ns)) :]:
            if places.tool_around(call) is around and _same_agent(use, call):
                attempts.append(call)
                if not call.failed:
                    break
        if attempts:
            return attempts
    return []


def _same_agent(use: ToolUse, call: CostedCall) -> bool:
    return use.attribution.agent is None or call.agent is None or use.attribution.agent == call.agent


class _Places:
    """Where calls and tools stand in the tree of spans."""

    def __init__(self, trace: ToolTrace) -> None:
        self._parents = trace.parents
        self._uses = {use.span_id: use for use in trace.uses}
        self._chains: dict[str, tuple[str, ...]] = {}

    def chain(self, span_id: str | None) -> tuple[str, ...]:
        """Return a span and all above it, nearest first; the last may be one that was never received."""
        if span_id is None:
            return ()
        if span_id not in self._chains:
            self._chains[span_id] = tuple(self._climb(span_id))
        return self._chains[span_id]

    def _climb(self, span_id: str) -> Iterator[str]:
        seen: set[str] = set()
        above: str | None = span_id
        while above is not None and above not in seen and len(seen) < MAX_DEPTH:
            yield above
            seen.add(above)
            above = self._parents.get(above)

    def tool_around(self, call: CostedCall) -> ToolUse | None:
        """Return the innermost tool a call ran inside; a tool whose own span carries usage is inside itself."""
        return self._innermost(self.chain(call.span_id))

    def tool_above(self, use: ToolUse) -> ToolUse | None:
        """Return the innermost tool that `use` ran inside."""
        return self._innermost(self.chain(use.span_id)[1:])

    def _innermost(self, chain: Sequence[str]) -> ToolUse | None:
        return next((self._uses[span_id] for span_id in chain if span_id in self._uses), None)


def _us(moment_ns: int) -> int:
    # The ledger keeps microseconds, so finer differences must decide nothing.
    return moment_ns // 1000


def _call_order(call: CostedCall) -> tuple[int, str, str]:
    # Stores name identities in ways of their own; of calls that begin together the span tells the same everywhere.
    return _us(call.started_at_ns), call.span_id or "", call.identity


def _use_order(use: ToolUse) -> tuple[int, int, str]:
    return _us(use.ended_at_ns), _us(use.started_at_ns), use.identity
