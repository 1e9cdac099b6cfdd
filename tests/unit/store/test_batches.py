"""A batch that is settled elsewhere says there what it said where it was received."""

from __future__ import annotations

from types import MappingProxyType

from costspan.core.attribution import Attribution
from costspan.core.call import Call, Signal
from costspan.core.link import Link
from costspan.core.record import MetricKind, MetricPoint, Scope, Temporality
from costspan.core.tool import ToolUse
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.server.store.batches import decode_batch, encode_batch
from costspan.server.store.entry import Batch

WHO = Attribution(service="a\0b", team="日本", tenant="acme", tags=MappingProxyType({"plan": "x'y"}))
PLACE = {"trace_id": "a" * 32, "span_id": "b" * 16, "parent_span_id": None}
CALL = Call(
    **PLACE,
    started_at_ns=1,
    ended_at_ns=-2,
    dialect="otel_genai",
    signal=Signal.EVENT,
    event_key="k",
    usage=Usage({Unit.INPUT: 2**40}),
    time_to_first_chunk_s=0.1,
    attribution=WHO,
)
POINT = MetricPoint(
    metric="m",
    kind=MetricKind.HISTOGRAM,
    temporality=Temporality.CUMULATIVE,
    start_ns=1,
    time_ns=2,
    value=3.5,
    count=7,
    tenant="acme",
    attributes={"a": 1, "b": b"\0", "c": ["x", 2.5, None, {"d": True}]},
    resource={"service.name": "s"},
    scope=Scope("n", "1"),
)


def test_calls_links_points_and_tool_uses_come_back_as_they_were():
    link = Link(**PLACE, started_at_ns=5, trace_state="ot=th:8", attribution=WHO)
    use = ToolUse(**PLACE, name="search", started_at_ns=6, ended_at_ns=7, attribution=WHO)
    batch = Batch([CALL], [link], [POINT], [use])
    assert decode_batch(encode_batch(batch)) == batch
    assert decode_batch(encode_batch(Batch())) == Batch([], [], [], [])
