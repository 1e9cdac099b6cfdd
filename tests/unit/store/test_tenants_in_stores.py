"""Tenants in both engines: what one sends never touches what another sees, whatever ids they share."""

from __future__ import annotations

from typing import Any

import pytest
from ledgers import CARD, NOW

from bodies import MILLISECOND, PLAIN_CALL, START_NS, protobuf, span
from costspan.core.attribution import DIMENSIONS
from costspan.core.errors import ConfigError, NotFound, UsageError
from costspan.semconv.attribution_rules import parse_attribution_rules
from costspan.server.analytics.calls import calls_document, parse_calls_question
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.analytics.tools import parse_tool_question, tools_document
from costspan.server.analytics.traces import trace_document
from costspan.server.pipeline.settlement import post
from costspan.server.pipeline.signals import PROTOBUF, traces
from costspan.server.pipeline.tenant import of_tenant
from costspan.server.store.ports import Store
from costspan.server.store.tenancy import TenantReader

TRACE = bytes.fromhex("ab" * 16)
RESPONSE = {"gen_ai.response.id": "resp-1"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
ALL_TIME = [("since", "2026-01-01"), ("until", "2027-01-01")]


def send(store: Store, tenant: str | None, *spans: Any, service: str = "shop") -> list[bool]:
    return list(post(store, of_tenant(traces(protobuf(spans, service=service), PROTOBUF), tenant).batch, CARD))


def total(reader: Any, *parameters: tuple[str, str]) -> dict[str, Any]:
    return spend_document(reader, parse_question([*ALL_TIME, *parameters], NOW))["total"]


def in_trace(number: int, attributes: Any = PLAIN_CALL, parent: int | None = None, **fields: Any) -> Any:
    above = {} if parent is None else {"parent_span_id": parent.to_bytes(8, "big")}
    return span(attributes, number=number, trace_id=TRACE, **above, **fields)


def test_the_same_span_of_two_tenants_is_two_calls_and_of_one_is_one(store: Store) -> None:
    assert [send(store, tenant, in_trace(1, PLAIN_CALL | RESPONSE)) for tenant in ("a", "b", None, "a", "b", None)] == [
        [True], [True], [True], [False], [False], [False],
    ]  # fmt: skip
    assert (total(store)["calls"], total(store)["duplicate_calls"]) == (3, 0)
    assert [total(TenantReader(store, tenant))["calls"] for tenant in ("a", "b", "c")] == [1, 1, 0]


def test_a_response_recorded_by_two_tenants_is_a_duplicate_of_neither(store: Store) -> None:
    for tenant in ("a", "b"):
        send(store, tenant, in_trace(1, PLAIN_CALL | RESPONSE))
        send(store, tenant, span(PLAIN_CALL | RESPONSE, number=900))
    for tenant in ("a", "b"):
        own = total(TenantReader(store, tenant))
        assert (own["calls"], own["duplicate_calls"]) == (1, 1)


def test_what_is_above_a_span_is_the_tenants_own(store: Store) -> None:
    send(store, "b", in_trace(1, {"feature": "theirs", "team": "theirs"}))
    send(store, "a", in_trace(2, PLAIN_CALL, parent=1))
    send(store, "b", in_trace(2, PLAIN_CALL, parent=1))
    assert total(TenantReader(store, "a"), ("filter", "feature:"))["calls"] == 1
    assert total(TenantReader(store, "b"), ("filter", "feature:theirs"))["calls"] == 1


def test_an_aggregate_is_settled_with_the_tenants_own_calls(store: Store) -> None:
    summing = PLAIN_CALL | AGENT
    send(store, "a", in_trace(1, summing))
    send(store, "b", in_trace(2, PLAIN_CALL, parent=1))
    assert total(TenantReader(store, "a"))["cost_usd"] == "0.00021"
    assert total(TenantReader(store, "b"))["cost_usd"] == "0.00021"


def test_a_trace_shows_the_tenants_spans_only(store: Store) -> None:
    send(store, "a", in_trace(1), in_trace(2, {"http.route": "/mine"}, parent=1))
    send(store, "b", in_trace(3), in_trace(4, {"http.route": "/theirs"}, parent=3))
    send(store, "b", span(PLAIN_CALL, number=700, trace_id=b"\xcd" * 16))
    shown = trace_document(TenantReader(store, "a"), "ab" * 16, CARD)
    assert {each["span_id"] for each in shown["spans"]} == {f"{1:016x}", f"{2:016x}"}
    assert shown["total"]["calls"] == 1
    assert len(trace_document(store, "ab" * 16, CARD)["spans"]) == 4
    with pytest.raises(NotFound):
        trace_document(TenantReader(store, "a"), "cdcdcd", CARD)
    assert trace_document(TenantReader(store, "b"), "cdcdcd", CARD)["total"]["calls"] == 1


def test_tools_are_costed_from_the_tenants_own_trace(store: Store) -> None:
    at = {"start_time_unix_nano": START_NS + 900 * MILLISECOND, "end_time_unix_nano": START_NS + 950 * MILLISECOND}
    after = {"start_time_unix_nano": START_NS + 1000 * MILLISECOND, "end_time_unix_nano": START_NS + 2000 * MILLISECOND}
    for tenant in ("a", "b"):
        send(store, tenant, in_trace(1, AGENT), in_trace(3, TOOL | {"team": tenant}, parent=1, **at))
    send(store, "b", in_trace(4, PLAIN_CALL, parent=1, **after))
    for reader, follow_ups in ((TenantReader(store, "a"), 0), (TenantReader(store, "b"), 1)):
        [row] = tools_document(reader, parse_tool_question(ALL_TIME, NOW))["rows"]
        assert (row["tool"], row["calls"], row["follow_up_calls"]) == ("search", 1, follow_ups)
    assert tools_document(store, parse_tool_question(ALL_TIME, NOW))["total"]["follow_up_calls"] == 1


@pytest.mark.parametrize("asked", ["tenant:b", "tenant:!a", "tenant:", "tenant:!", "tenant:!b"])
def test_a_filter_reaches_no_other_tenant(store: Store, asked: str) -> None:
    send(store, "b", in_trace(1))
    own = TenantReader(store, "a")
    with pytest.raises(UsageError, match="tenant a alone"):
        total(own, ("filter", asked))
    with pytest.raises(UsageError, match="tenant a alone"):
        total(own, ("filter", "tenant:a"), ("filter", asked))
    with pytest.raises(UsageError, match="tenant a alone"):
        calls_document(own, parse_calls_question([*ALL_TIME, ("filter", asked)], NOW), CARD)
    assert total(own, ("filter", "tenant:a"))["calls"] == 0


def test_all_tenants_are_seen_side_by_side_by_who_may_see_all(store: Store) -> None:
    for tenant, count in (("a", 1), ("b", 2), (None, 3)):
        send(store, tenant, *(span() for _ in range(count)))
    rows = spend_document(store, parse_question([*ALL_TIME, ("group_by", "tenant")], NOW))["rows"]
    assert {row["tenant"]: row["calls"] for row in rows} == {"a": 1, "b": 2, None: 3}
    assert total(store, ("filter", "tenant:b"))["calls"] == 2


def test_no_sender_and_no_rule_says_whose_a_call_is(store: Store) -> None:
    claims = dict.fromkeys(("tenant", "costspan.tenant", "tenant.id", "costspan.tag.tenant", "metadata.tenant"), "b")
    assert "tenant" in DIMENSIONS
    body = protobuf([span(PLAIN_CALL | claims)], tenant="b", costspan__tenant="b")
    for key in ("a", None):
        post(store, of_tenant(traces(body, PROTOBUF), key).batch, CARD)
    rows = spend_document(store, parse_question([*ALL_TIME, ("group_by", "tenant")], NOW))["rows"]
    assert {row["tenant"] for row in rows} == {"a", None}
    with pytest.raises(ConfigError, match="tenant"):
        parse_attribution_rules([{"when": {"team": "x"}, "set": {"tenant": "b"}}])
