"""Requests of 512 spans, encoded and compressed beforehand, with a given share of GenAI spans."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from costspan.core.attribution import Attribution
from costspan.core.record import AttributeValue, SpanRecord
from costspan.semconv.normalize import read_call
from costspan.testing.demo_traffic import DemoTraffic
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import database_span, http_server_span

SPANS_PER_REQUEST = 512
SINCE = datetime(2026, 11, 2, tzinfo=UTC)
CALLS_PER_DAY = 100_000
SHOP = Attribution(service="shop", environment="production")
_REQUEST: dict[str, AttributeValue] = {
    "server.port": 443,
    "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0",
    "network.protocol.version": "1.1",
    "network.peer.address": "10.1.2.3",
    "network.peer.port": 41234,
    "thread.name": "MainThread",
}
_QUERY: dict[str, AttributeValue] = {
    "db.collection.name": "documents",
    "db.response.status_code": "00000",
    "server.address": "db.internal",
}


def requests(count: int, genai_percent: int, spans_each: int = SPANS_PER_REQUEST) -> list[bytes]:
    """Return `count` gzipped bodies; of every five spans `genai_percent` / 20 are model calls of the demo's month.

    Like a collector's batches they mix services and hold whole traces only by chance.
    """
    spans = _mixed(genai_percent // 20)
    return [gzip.compress(protobuf_body(list(islice(spans, spans_each))), compresslevel=6) for _ in range(count)]


def _mixed(genai_of_five: int) -> Iterator[SpanRecord]:
    chance = Random(7)
    traffic = DemoTraffic(now=SINCE + timedelta(days=30), calls_per_day=CALLS_PER_DAY, steady=True)
    calls = (span for span in traffic.spans(SINCE, SINCE + timedelta(days=30)) if read_call(span))
    while five := list(islice(calls, genai_of_five)):
        yield from five
        yield from _others(five, 5 - genai_of_five, chance)


def _others(calls: Sequence[SpanRecord], count: int, chance: Random) -> Iterator[SpanRecord]:
    """Yield what surrounds the calls: the request a trace began with, then queries that hang in it, and so on."""
    server_span_id = ""
    for number in range(count):
        near = calls[number // 2 % len(calls)]
        span_id = f"{chance.getrandbits(64) | 1:016x}"
        start_ns, end_ns = near.start_ns - 9_000_000, near.end_ns
        if number % 2:
            span = database_span(
                trace_id=near.trace_id,
                span_id=span_id,
                parent_span_id=server_span_id,
                start_ns=start_ns,
                end_ns=end_ns,
                who=SHOP,
            )
            more = _QUERY | {"network.peer.address": f"10.0.0.{chance.randrange(4)}"}
        else:
            server_span_id = span_id
            span = http_server_span(trace_id=near.trace_id, span_id=span_id, start_ns=start_ns, end_ns=end_ns, who=SHOP)
            more = _REQUEST | {
                "url.path": f"/api/ask/{chance.randrange(10**6)}",
                "client.address": f"10.0.{chance.randrange(256)}.{chance.randrange(256)}",
                "thread.id": chance.randrange(64),
            }
        yield replace(span, resource=near.resource, attributes={**span.attributes, **more})
