"""Points as emitters send them, for the tests of this folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from costspan.core.call import Call
from costspan.core.record import AttributeValue, MetricKind, MetricPoint, Scope, Temporality
from costspan.core.units import Unit
from costspan.semconv.metrics import MetricState, read_points

START_NS = 1_795_219_200_000_000_000
MINUTE_NS = 60_000_000_000


def token_sum(
    metric: str,
    value: float,
    attributes: Mapping[str, AttributeValue],
    *,
    minute: int = 1,
    temporality: Temporality = Temporality.DELTA,
    since_minute: int = 0,
    scope: str = "",
    count: int | None = None,
    resource: Mapping[str, AttributeValue] | None = None,
) -> MetricPoint:
    """Return one point that ends `minute` minutes after START_NS."""
    return MetricPoint(
        metric=metric,
        kind=MetricKind.SUM if count is None else MetricKind.HISTOGRAM,
        temporality=temporality,
        start_ns=START_NS + since_minute * MINUTE_NS,
        time_ns=START_NS + minute * MINUTE_NS,
        value=value,
        count=count,
        attributes=attributes,
        resource={"service.name": "agents"} if resource is None else resource,
        scope=Scope(scope),
    )


def claude(kind: str, value: float, **where: int | Temporality) -> MetricPoint:
    """Return a point of Claude Code's token counter."""
    attributes = {"type": kind, "model": "claude-sonnet-4-6", "user.id": "u1", "session.id": "s1"}
    return token_sum("claude_code.token.usage", value, attributes, scope="com.anthropic.claude_code", **where)


def read_once(points: Iterable[MetricPoint]) -> list[Call]:
    """Return the calls of points that nothing was seen before."""
    return read_points(tuple(points), MetricState())[0]


def totals(calls: Iterable[Call]) -> dict[Unit, int]:
    """Return tokens by unit over calls, each record once as the ledger keeps it."""
    sums: Counter[Unit] = Counter()
    for call in {call.identity: call for call in calls}.values():
        sums.update(dict(call.usage))
    return dict(sums)
