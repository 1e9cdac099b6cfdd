"""The spans of a trace in the order a tree is drawn, each with what it and all below it cost. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from costspan.core.call import Role, Signal
from costspan.core.clock import ns_from_utc
from costspan.server.store.calls import LedgerCall, TraceView


@dataclass(slots=True)
class Node:
    """A span, or another record within one. `subtree_cost` is what counts in and below it, None where unknown."""

    span_id: str | None
    parent_span_id: str | None
    started_at_ns: int
    call: LedgerCall | None = None
    depth: int = 0
    subtree_cost: int | None = None
    subtree_calls: int = 0


def in_tree_order(view: TraceView) -> list[Node]:
    """Return the trace's spans, each before what is below it, siblings by start; a lost parent leaves a root."""
    nodes = _nodes(view)
    spans = {node.span_id: node for node in nodes if _is_span(node)}
    below: dict[int, list[Node]] = defaultdict(list)
    roots: list[Node] = []
    for node in nodes:
        # An event or a point hangs in the span it was emitted in.
        above = spans.get(node.parent_span_id) if _is_span(node) else spans.get(node.span_id)
        if above is None or above is node:
            roots.append(node)
        else:
            below[id(above)].append(node)
    ordered: list[Node] = []
    seen: set[int] = set()
    # Parents in a loop are reached from no root; the earliest of them then stands for one.
    for root in [*roots, *nodes]:
        _walk(root, below, ordered, seen)
    _roll_up(ordered)
    return ordered


def _nodes(view: TraceView) -> list[Node]:
    calls = [Node(call.place.span_id, call.parent_span_id, ns_from_utc(call.started_at), call) for call in view.entries]
    links = [Node(link.span_id, link.parent_span_id, link.started_at_ns) for link in view.links]
    return sorted([*calls, *links], key=lambda node: (node.started_at_ns, node.call is not None, node.span_id or ""))


def _is_span(node: Node) -> bool:
    return node.call is None or node.call.signal == Signal.SPAN


def _walk(root: Node, below: dict[int, list[Node]], ordered: list[Node], seen: set[int]) -> None:
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        node.depth = depth
        ordered.append(node)
        waiting += [(child, depth + 1) for child in reversed(below[id(node)])]


def _roll_up(ordered: Sequence[Node]) -> None:
    """Add up from the leaves: seen from the end, whatever is below a span comes before it."""
    path: list[Node] = []
    above: list[Node | None] = []
    for node in ordered:
        del path[node.depth :]
        above.append(path[-1] if path else None)
        path.append(node)
    for node, parent in zip(reversed(ordered), reversed(above), strict=True):
        if node.call is not None and node.call.role is Role.OWNER:
            node.subtree_calls += node.call.call_count
            node.subtree_cost = _sum(node.subtree_cost, node.call.cost)
        if parent is not None:
            parent.subtree_calls += node.subtree_calls
            parent.subtree_cost = _sum(parent.subtree_cost, node.subtree_cost)


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other
