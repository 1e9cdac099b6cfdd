"""Broken requests, broken HTTP and questions made from the API's own description: nobody gets a 5xx, nothing hangs."""

from __future__ import annotations

import socket
from functools import cache
from typing import Any

import pytest
import schemathesis
from attack import Attack
from hypothesis import HealthCheck, given, settings, strategies

from bodies import protobuf, span
from serving import Server

BODIES = 6_000


def test_broken_requests_through_both_doors_are_answered_as_otlp_says(shared_server: Server) -> None:
    attack = Attack(shared_server, seed=20_261_121)
    assert attack.run(0, BODIES) == []
    assert attack.answers.total() == BODIES
    assert attack.answers["200"] > 250
    assert "Traceback" not in shared_server.errors()
    assert shared_server.send(protobuf([span()], service="after")).status == 200
    assert shared_server.spend(filter="service:after")["total"]["calls"] == 1


HEADS = [
    b"\xff\xfe\n\n",
    b"GET\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET //%00/../ HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nCookie: \xff=\xfe; ;;=\r\n\r\n",
    b"GET /api/v1/spend?filter=\xff&since=%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: \xff\r\nContent-Encoding: \xff\r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.parametrize("head", HEADS)
def test_broken_http_is_refused_or_answered(shared_server: Server, head: bytes) -> None:
    with socket.create_connection(tuple(shared_server.url.split(":")), timeout=10) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer == b"" or answer.split()[1] < b"500", answer
    assert "Traceback" not in shared_server.errors()
    assert shared_server.get("/healthz").status == 200


@cache
def operations(url: str) -> list[Any]:
    """Return what the server's own description says may be asked."""
    known = [found.ok() for found in schemathesis.openapi.from_url(f"http://{url}/openapi.json").get_all_operations()]
    return [operation for operation in known if operation.path != "/api/v1/live"]  # its answer does not end


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=strategies.data())
def test_no_question_that_the_description_allows_is_too_much(shared_server: Server, data: Any) -> None:
    operation = data.draw(strategies.sampled_from(operations(shared_server.url)))
    answer = data.draw(operation.as_strategy()).call()
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        assert answer.json()["status"] == answer.status_code
    assert "Traceback" not in shared_server.errors()
