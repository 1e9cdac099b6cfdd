"""`read_points`: the points of one request, and what was seen before, become calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from costspan.core.call import Call, Signal, SpanClass, UsageState
from costspan.core.money import PicoUsd
from costspan.core.record import Attributes, MetricKind, MetricPoint, Temporality
from costspan.core.usage import Usage
from costspan.semconv.attributes import first, text, whole_number
from costspan.semconv.conventions import Counts, Split, split
from costspan.semconv.identity import content_key, instance
from costspan.semconv.metrics.families import COST, MetricFamily, families_of
from costspan.semconv.metrics.series import MAX_SERIES, MetricState, Seen, increment
from costspan.semconv.providers import provider
from costspan.semconv.vendor import attribution, bare_model, with_cache_ttl_doubt, with_doubt

AGGREGATES: Final = frozenset({"invoke_agent", "invoke_workflow", "agent_step"})
"""Operations that sum up requests below them, should an emitter record their tokens too."""

NO_CACHE_CLASS: Final = "the metric does not tell cached tokens apart; all input is taken as uncached"
NOT_WHOLE: Final = "a token sum is not a whole number"


MAX_PICO: Final = 2**63
"""A reported cost past what a ledger line holds is a broken emitter's; it is not kept."""


@dataclass(slots=True)
class _Group:
    """The series of one emitter, one set of attributes and one moment, being gathered."""

    family: MetricFamily
    point: MetricPoint
    since_ns: int
    sums: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    series: set[tuple[str, int]] = field(default_factory=set)
    doubts: dict[str, None] = field(default_factory=dict)
    invalid: str | None = None


def read_points(
    points: Sequence[MetricPoint], state: MetricState, *, limit: int = MAX_SERIES
) -> tuple[list[Call], MetricState]:
    """Return the calls that `points` claim and the state to read the next points with.

    Points of one request may come in any order. A point that adds nothing claims nothing; a delta sent twice makes a
    call with the same identity, a cumulative point sent twice makes none.
    """
    groups: dict[str, _Group] = {}
    changed: dict[str, Seen] = {}
    for point in sorted(points, key=lambda candidate: (candidate.time_ns, -candidate.value)):
        for family in families_of(point):
            _take(point, family, groups, changed, state)
    calls = [call for group in groups.values() if (call := _call(group)) is not None]
    return calls, state.after(changed, limit)


def _take(
    point: MetricPoint, family: MetricFamily, groups: dict[str, _Group], changed: dict[str, Seen], state: MetricState
) -> None:
    fields = family.fields(point)
    if not fields or point.kind is MetricKind.GAUGE or point.temporality is Temporality.UNSPECIFIED:
        return
    source: tuple[object, ...] = (family.name, point.resource, point.scope.name, point.scope.version)
    if point.tenant is not None:
        source += (point.tenant,)
    group_key = content_key("group", *source, _shared(point.attributes, family), point.time_ns)
    group = groups.setdefault(group_key, _Group(family, point, point.time_ns))
    value = _pico(point, family) if fields == (COST,) else whole_number(point.value)
    if value is None:
        group.invalid = NOT_WHOLE if fields != (COST,) else group.invalid
        return
    series = content_key("series", *source, point.metric, point.attributes, point.start_ns)
    seen = changed.get(series) or state.series.get(series)
    added = increment(point, value, seen, state.forgotten_ns)
    if added is None:
        return
    if point.temporality is not Temporality.DELTA:
        changed[series] = Seen(point.start_ns, point.time_ns, value, point.count or 0)
    _add(group, fields, (series, point.time_ns), added.value, added.requests)
    if added.value and fields != (COST,):
        group.since_ns = min(group.since_ns, added.since_ns)
        group.doubts.update({added.doubt: None} if added.doubt else {})


def _add(group: _Group, fields: tuple[str, ...], series: tuple[str, int], value: int, requests: int) -> None:
    if series in group.series:
        return
    group.series.add(series)
    for name in fields:
        group.sums[name] = group.sums.get(name, 0) + value
    group.requests[fields[0]] = group.requests.get(fields[0], 0) + requests


def _shared(attributes: Attributes, family: MetricFamily) -> Attributes:
    return {key: value for key, value in attributes.items() if key not in family.type_attributes}


def _pico(point: MetricPoint, family: MetricFamily) -> int | None:
    cost = Decimal(repr(point.value)).scaleb(family.costs[point.metric])
    return int(cost.to_integral_value(ROUND_HALF_EVEN)) if abs(cost) < MAX_PICO else None


def _call(group: _Group) -> Call | None:
    family, point = group.family, group.point
    tokens = {name: value for name, value in group.sums.items() if name != COST}
    if not any(tokens.values()) and group.invalid is None:
        return None
    requested = bare_model(point.attributes, family.requested_model)
    answered = bare_model(point.attributes, family.response_model)
    server_address = first(point.attributes, ("server.address", "server_address"), text)
    sent = first(point.attributes, family.provider_keys, text)
    operation = first(point.attributes, family.operation_keys, text) or "chat"
    usage = _split(group, tokens, operation)
    cost = group.sums.get(COST, 0)
    return Call(
        trace_id="",
        span_id="",
        parent_span_id=None,
        started_at_ns=group.since_ns,
        ended_at_ns=point.time_ns,
        dialect=family.name,
        scope_name=point.scope.name,
        scope_version=point.scope.version,
        signal=Signal.METRIC,
        event_key=content_key("metric", instance(point.resource), sorted(group.series)),
        call_count=_call_count(group, operation),
        span_class=SpanClass.AGGREGATE if operation in AGGREGATES else SpanClass.INFERENCE,
        operation=operation,
        provider=family.provider(answered or requested) if family.provider else provider(sent, server_address),
        requested_model=requested,
        response_model=answered,
        server_address=server_address,
        usage=usage.usage,
        usage_state=usage.state,
        usage_note=usage.note,
        reported_cost=PicoUsd(cost) if cost > 0 else None,
        attribution=replace(attribution(point.attributes, point.resource, family.who), tenant=point.tenant),
    )


def _split(group: _Group, tokens: dict[str, int], operation: str) -> Split:
    if group.invalid is not None:
        return Split(Usage(), UsageState.INVALID, group.invalid)
    # A series without a point in this interval counted nothing in it, so what is absent here is zero.
    counts = Counts(**{"input": 0, "output": 0, **tokens})
    usage = with_cache_ttl_doubt(split(counts, group.family.convention))
    doubts = list(group.doubts)
    if group.family.doubt and 0 < counts.cached <= (counts.input or 0):
        doubts.append(group.family.doubt)
    cacheable = counts.input and operation != "embeddings"
    if group.family.silent_on_cache and cacheable and not {"cache_read", "cache_write"} & tokens.keys():
        doubts.append(NO_CACHE_CLASS)
    for doubt in doubts:
        usage = with_doubt(usage, doubt)
    return usage


def _call_count(group: _Group, operation: str) -> int:
    """Return how many requests the group stands for, 0 where it does not say.

    The output's series says it. Input that comes alone may be the other half of a group, except where there is no
    output by nature.
    """
    if not group.family.calls_counted:
        return 0
    return group.requests.get("input" if operation == "embeddings" else "output", 0)
