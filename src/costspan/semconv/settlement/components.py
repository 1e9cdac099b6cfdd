"""Records that can bear on one another: those of one trace, and of the traces that share a response id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from costspan.core.call import Call
from costspan.core.link import Link


def components(calls: Sequence[Call], links: Sequence[Link]) -> Iterator[tuple[list[Call], list[Link]]]:
    """Yield `calls` in such groups, each with the links of its traces. A record outside any trace is its own group.

    Records of different tenants never bear on one another, whatever ids they share.
    """
    of_trace: dict[str, list[Call]] = {}
    first_trace: dict[str, str] = {}
    joins: list[tuple[str, str]] = []
    for call in calls:
        trace = call.attribution.scoped(call.trace_id) if call.trace_id else call.identity
        members = of_trace.get(trace)
        if members is None:
            of_trace[trace] = [call]
        else:
            members.append(call)
        if call.response_id:
            first = first_trace.setdefault(call.attribution.scoped(call.response_id), trace)
            if first != trace:
                joins.append((first, trace))
    above: dict[str, list[Link]] = {}
    for link in links:
        trace = link.trace_id if link.attribution.tenant is None else link.attribution.scoped(link.trace_id)
        if trace in of_trace:
            above.setdefault(trace, []).append(link)
    if joins:
        yield from _joined(of_trace, above, joins)
        return
    for trace, members in of_trace.items():
        yield members, above.get(trace, [])


def _joined(
    of_trace: dict[str, list[Call]], above: dict[str, list[Link]], joins: Sequence[tuple[str, str]]
) -> Iterator[tuple[list[Call], list[Link]]]:
    head = {trace: trace for trace in of_trace}

    def find(trace: str) -> str:
        while head[trace] != trace:
            head[trace] = trace = head[head[trace]]
        return trace

    for one, other in joins:
        head[find(other)] = find(one)
    traces: dict[str, list[str]] = defaultdict(list)
    for trace in of_trace:
        traces[find(trace)].append(trace)
    for members in traces.values():
        yield (
            [call for trace in members for call in of_trace[trace]],
            [link for trace in members for link in above.get(trace, ())],
        )
