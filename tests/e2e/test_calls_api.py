"""Calls and traces of a real server: what was sent over OTLP, counted once, page by page."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from costspan.cli.demo_server import DemoServer, free_port, fresh_folder
from costspan.cli.main import main
from costspan.core.record import SpanRecord
from costspan.server.web.api.call_documents import CallsDocument, TraceDocument
from costspan.testing.doubled_trace import AGENT, INNER, OUTER, SECOND, STEP, TRACE_ID, doubled_trace
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import otel_genai, sample_call
from costspan.testing.spans.call import NOVEMBER_2026_NS


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    folder = fresh_folder(tmp_path_factory.mktemp("calls") / "ledger", "{}")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        with DemoServer(folder, free_port()) as address:
            yield address


def request(url: str, method: str, path: str, body: bytes | None = None) -> tuple[int, str, Any]:
    link = HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        link.request(method, path, body, {"Content-Type": "application/x-protobuf"})
        response = link.getresponse()
        said = response.read()
        kind = response.headers["Content-Type"]
        return response.status, kind, json.loads(said) if "json" in kind else said
    finally:
        link.close()


def send(url: str, *spans: SpanRecord) -> None:
    status, _, _ = request(url, "POST", "/v1/traces", protobuf_body(spans))
    assert status == 200


def calls(url: str, **asked: str) -> dict[str, Any]:
    status, _, document = request(url, "GET", f"/api/v1/calls?{urlencode({'since': '2026-11', **asked})}")
    assert status == 200, document
    CallsDocument.model_validate(document, strict=True, extra="forbid")
    return dict(document)


def test_a_doubled_call_sent_in_pieces_is_one_call_in_a_tree(url) -> None:
    spans = doubled_trace()
    for pieces in ((OUTER,), (AGENT, SECOND), (INNER, STEP)):
        send(url, *(spans[span_id] for span_id in pieces))

    status, _, document = request(url, "GET", f"/api/v1/traces/{TRACE_ID}")

    assert status == 200
    TraceDocument.model_validate(document, strict=True, extra="forbid")
    assert [
        (span["span_id"], span["depth"], span["call"] and span["call"]["role"], span["subtree_calls"])
        for span in document["spans"]
    ] == [
        (STEP, 0, None, 2),
        (AGENT, 1, "aggregate", 2),
        (OUTER, 2, "duplicate", 1),
        (INNER, 3, "owner", 1),
        (SECOND, 2, "owner", 1),
    ]
    assert (document["total"]["calls"], document["total"]["duplicate_calls"]) == (2, 1)
    assert [(entry["span_id"], entry["why"]) for entry in document["history"]] == [
        (OUTER, "owner became duplicate: same response id")
    ]
    assert {row["span_id"] for row in calls(url, filter="feature:search")["rows"]} == {INNER, SECOND}


def test_pages_hold_every_row_once_while_more_arrive(url) -> None:
    def sent(number: int) -> SpanRecord:
        said = {"trace_id": f"{number + 1:032x}", "response_id": f"page-{number}", "operation": "embeddings"}
        return otel_genai(sample_call(**said, started_at_ns=NOVEMBER_2026_NS + number % 4 * 1_000))

    send(url, *(sent(number) for number in range(10)))
    found: list[str] = []
    page = calls(url, filter="operation:embeddings", limit="3")
    for more in range(100, 103):
        found += [row["trace_id"] for row in page["rows"]]
        send(url, sent(more))
        page = calls(url, filter="operation:embeddings", limit="3", cursor=page["next_cursor"])
    found += [row["trace_id"] for row in page["rows"]]

    assert page["next_cursor"] is None
    assert sorted(found) == [f"{number + 1:032x}" for number in range(10)]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/v1/traces/ffffffffffff", 404, "no trace ffffffffffff is recorded"),
        ("/api/v1/traces/not-hex", 400, "is not 32 hexadecimal digits"),
        ("/api/v1/traces/ffffffffffff?depth=2", 400, "unknown parameter 'depth'; a trace takes none"),
        ("/api/v1/calls?colour=red", 400, "known: since, until, filter, role, order, limit, cursor"),
        ("/api/v1/calls?cursor=%00", 400, "the cursor is damaged"),
        ("/api/v1/calls?filter=tag.%00:x%00", 200, ""),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_a_problem_document(url, path, status, words) -> None:
    answered, kind, document = request(url, "GET", path)

    assert answered == status
    if status != 200:
        assert kind == "application/problem+json"
        assert words in document["detail"]


def test_the_commands_ask_the_server(url, capsys) -> None:
    send(url, *doubled_trace("c" * 32).values())

    assert main(["trace", "cccccc", "--url", url]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Counted: $0.011 for 2 calls. Not counted: $0.016 in 1 duplicate and 1 aggregate."
    )
    assert main(["calls", "--since", "2026-11", "--role", "aggregate", "--url", url]) == 0
    assert "aggregate: sums up the calls below it" in capsys.readouterr().out
