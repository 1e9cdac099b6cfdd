"""`/api/v1/tools` on a real server: an agent with tools, told by OTLP spans, in any order of arrival."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from costspan.cli.main import main
from costspan.core.attribution import Attribution
from costspan.core.record import STATUS_ERROR, SpanRecord
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import openinference, otel_genai, sample_call
from costspan.testing.spans.call import NOVEMBER_2026_NS, resource_of
from serving import Server

TRACE = "7" * 32
MS = 1_000_000
WHO = Attribution(service="helpdesk")


def span_id(number: int) -> str:
    return f"{number:016x}"


def plain(number: int, parent: int | None, started_ms: int, ended_ms: int, **said: Any) -> SpanRecord:
    return SpanRecord(
        trace_id=TRACE,
        span_id=span_id(number),
        parent_span_id=None if parent is None else span_id(parent),
        name=said.get("name", "span"),
        kind=1,
        start_ns=NOVEMBER_2026_NS + started_ms * MS,
        end_ns=NOVEMBER_2026_NS + ended_ms * MS,
        attributes=said.get("attributes", {}),
        resource=resource_of(WHO),
        status_code=said.get("status_code", 0),
    )


def tool(number: int, parent: int, name: str, started_ms: int, ended_ms: int, **said: Any) -> SpanRecord:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    return plain(number, parent, started_ms, ended_ms, attributes=attributes, **said)


def chat(number: int, parent: int, started_ms: int, tell: Callable[..., SpanRecord] = otel_genai, **said: Any):
    at = NOVEMBER_2026_NS + started_ms * MS
    made = {"trace_id": TRACE, "span_id": span_id(number), "parent_span_id": span_id(parent), "attribution": WHO}
    said |= {"started_at_ns": at, "ended_at_ns": at + 50 * MS, "response_id": f"r{number}"}
    return tell(sample_call(**made, **said))


# gpt-5.4 costs $2.50 and $15 a million: each chat of 1,000 input and 200 output tokens $0.0055, the one that reads
# 3,000 tokens of results $0.0105, the one inside the sub-agent (gpt-4o-mini, $0.15 and $0.60) $0.00027.
AGENT = [
    plain(1, None, 0, 2_000, attributes={"gen_ai.operation.name": "invoke_agent", "feature": "support"}),
    chat(2, 1, 10),
    tool(3, 1, "search", 100, 300),
    tool(4, 1, "search", 100, 400, status_code=STATUS_ERROR),
    tool(5, 1, "summarise", 100, 900),
    chat(6, 5, 200, requested_model="gpt-4o-mini"),
    chat(7, 1, 1_000, input=3_000, output=200),
    tool(8, 1, "send_mail", 1_500, 1_600),
]


def ask(server: Server, **parameters: Any) -> Any:
    query = urlencode({"since": "2026-11-01", "until": "2026-11-02", **parameters}, doseq=True)
    answer = server.get(f"/api/v1/tools?{query}")
    assert answer.status == 200, answer.body
    return answer.document


def figures(document: Any) -> list[tuple[Any, ...]]:
    return [
        (row["tool"], row["calls"], row["errors"], row["inside_usd"], row["follow_up_usd"], row["cost_usd"])
        for row in document["rows"]
    ]


FIGURES = [
    ("search", 2, 1, None, "0.007", "0.007"),
    ("summarise", 1, 0, "0.00027", "0.0035", "0.00377"),
    ("send_mail", 1, 0, None, None, None),
]


def test_a_tool_costs_what_runs_inside_it_and_its_part_of_what_reads_its_result(server: Server):
    assert server.send(protobuf_body(AGENT)).status == 200

    document = ask(server)

    assert figures(document) == FIGURES
    assert document["rows"][0] == {
        "tool": "search",
        "calls": 2,
        "charged_calls": 0,
        "errors": 1,
        "error_rate": 0.5,
        "cost_usd": "0.007",
        "fees_usd": None,
        "inside_usd": None,
        "follow_up_usd": "0.007",
        "cost_per_call_usd": "0.0035",
        "follow_up_calls": 1,
        "latency_ms": {"p50": 250.0, "p95": 295.0, "p99": 299.0},
    }
    total = document["total"]
    assert (total["calls"], total["cost_usd"], total["follow_up_usd"]) == (4, "0.01077", "0.0105")
    assert (total["follow_up_calls"], total["errors"], total["error_rate"]) == (1, 1, 0.25)
    assert document["completeness"] == {"follow_up_unknown_calls": 1, "unpriced_calls": 0}
    assert server.spend()["total"]["cost_usd"] == "0.01627"


def test_arrival_order_and_repetition_change_nothing(server: Server):
    for record in (*reversed(AGENT), AGENT[3], AGENT[6]):
        assert server.send(protobuf_body([record])).status == 200

    assert figures(ask(server)) == FIGURES


def test_a_late_completion_completes_the_cost_and_a_restart_keeps_it(start_server: Callable[..., Server]):
    server = start_server()
    server.send(protobuf_body([record for record in AGENT if record.span_id != span_id(7)]))
    before = ask(server)
    server.send(protobuf_body([AGENT[6]]))
    server.stop()

    assert before["rows"][0]["tool"] == "summarise"
    assert before["completeness"]["follow_up_unknown_calls"] == 4
    assert figures(ask(start_server())) == FIGURES


def test_tools_are_filtered_by_whom_they_were_for_and_laid_out_in_time(server: Server):
    server.send(protobuf_body(AGENT))

    assert figures(ask(server, filter="feature:support")) == FIGURES
    assert figures(ask(server, filter=["tool:search"])) == FIGURES[:1]
    assert figures(ask(server, filter="service:!helpdesk")) == []
    hourly = ask(server, interval="1h", filter="tool:summarise")["rows"]
    assert [(row["start"], row["tool"], row["cost_usd"]) for row in hourly] == [
        ("2026-11-01T12:00:00Z", "summarise", "0.00377")
    ]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"filter": "model:gpt-5.4"}, "tools cannot be filtered by 'model'"),
        ({"group_by": "tool"}, "unknown parameter 'group_by'"),
        ({"interval": "1w"}, "unknown interval '1w'"),
    ],
)
def test_a_question_tools_cannot_answer_is_refused_with_what_they_can(server: Server, parameters, said):
    answer = server.get(f"/api/v1/tools?{urlencode(parameters)}")

    assert answer.status == 400
    assert said in answer.document["detail"]


def test_other_vocabularies_tell_the_same(server: Server):
    kinds = {"openinference.span.kind": "TOOL", "tool.name": "search"}
    server.send(
        protobuf_body(
            [
                chat(2, 1, 10, tell=openinference),
                plain(3, 1, 100, 300, attributes=kinds),
                chat(7, 1, 1_000, tell=openinference),
                plain(9, 1, 1_200, 1_300, attributes={"ai.operationId": "ai.toolCall", "ai.toolCall.name": "weather"}),
                chat(10, 1, 1_400, tell=openinference),
            ]
        )
    )

    assert figures(ask(server)) == [
        ("search", 1, 0, None, "0.0055", "0.0055"),
        ("weather", 1, 0, None, "0.0055", "0.0055"),
    ]


def test_spend_by_tool_still_shows_the_calls_inside(server: Server, capsys: pytest.CaptureFixture[str]):
    server.send(protobuf_body(AGENT))

    options = ["--by", "tool", "--since", "2026-11-01", "--url", f"http://{server.url}", "--json"]
    assert main(["report", "total", *options]) == 0
    rows = {row["tool"]: row["cost_usd"] for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows == {"summarise": "0.00027", None: "0.016"}
