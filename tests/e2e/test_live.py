"""`/api/v1/live`: who listens hears of a commit, and nobody who listens holds the server up."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bodies import protobuf, span
from costspan.server.web.api.live import MAX_STREAMS
from serving import Server

Start = Callable[..., Server]


@contextmanager
def listening(server: Server, **headers: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(server.url, timeout=30)
    connection.request("GET", "/api/v1/live", headers={name.replace("_", "-"): each for name, each in headers.items()})
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def next_event(stream: http.client.HTTPResponse) -> Any:
    """Return the data of the next event, past what is none."""
    for line in iter(stream.readline, b""):
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))
    raise AssertionError("the stream ended")


def test_who_listens_hears_how_things_stand_and_then_of_each_commit(server: Server) -> None:
    with listening(server, Accept_Encoding="gzip") as stream:
        assert stream.getheader("content-encoding") is None
        assert stream.getheader("content-type", "").startswith("text/event-stream")
        assert stream.getheader("cache-control") == "no-store"
        assert stream.getheader("x-accel-buffering") == "no"
        assert next_event(stream) == {"received_spans": 0, "new_calls": 0, "last_received_at": None}
        assert server.send(protobuf([span(), span({"http.route": "/"})])).status == 200
        heard = next_event(stream)
    said = server.ingest()
    assert {key: said[key] for key in heard} == heard
    assert (heard["received_spans"], heard["new_calls"]) == (2, 1)


def test_a_stop_does_not_wait_for_who_listens(start_server: Start) -> None:
    server = start_server()
    with listening(server) as first, listening(server) as second:
        assert next_event(first) == next_event(second)
        code = server.stop()
        # A stream that was cut off instead of ended raises IncompleteRead; this one is the end of the event.
        assert (first.read(), second.read()) == (b"\n", b"\n")
    assert code in (0, -15)
    assert "Cancel" not in server.errors()
    assert "Traceback" not in server.errors()


def test_streams_are_bounded_and_a_place_is_free_again_when_one_leaves(server: Server) -> None:
    connections = [http.client.HTTPConnection(server.url, timeout=30) for _ in range(MAX_STREAMS)]
    for connection in connections:
        connection.request("GET", "/api/v1/live")
        assert connection.getresponse().status == 200
    refused = server.get("/api/v1/live")
    assert refused.status == 503
    assert refused.headers["retry-after"] == "60"
    assert refused.document["detail"] == "too many live streams are open"
    for connection in connections:
        connection.close()
    for _ in range(1000):
        with listening(server) as stream:
            if stream.status == 200:
                break
    assert stream.status == 200


def test_who_has_no_key_hears_nothing(start_server: Start) -> None:
    server = start_server(COSTSPAN_API_KEY="open sesame")
    assert server.get("/api/v1/live").status == 401
    with listening(server, Authorization="Bearer open sesame") as stream:
        assert next_event(stream)["received_spans"] == 0
