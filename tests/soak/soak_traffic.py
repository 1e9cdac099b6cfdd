"""What a company sends in a working day, without end: model calls in several dialects, and four times as much noise."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice

from bodies import MILLISECOND, PLAIN_CALL, START_NS, protobuf, span
from costspan.core.attribution import Attribution
from costspan.core.record import SpanRecord
from costspan.semconv.normalize import read_call
from costspan.testing.demo_traffic import DemoTraffic
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import http_server_span

SINCE = datetime(2026, 11, 2, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=30)
OF_THE_DEMO = 100
NOISE = 4 * OF_THE_DEMO
NOISES = 32
KNOWN_CALLS = 8
CALLS_PER_DAY = 500_000
SHOP = Attribution(service="shop", environment="production")


@dataclass(frozen=True, slots=True)
class Batch:
    """One request body, gzipped, and what is in it. `calls` includes `KNOWN_CALLS` of a service and price we know."""

    body: bytes
    spans: int
    calls: int


def batches() -> Iterator[Batch]:
    """Yield batches of which no call is sent twice; like a collector's they hold whole traces only by chance."""
    demo = DemoTraffic(now=UNTIL, calls_per_day=CALLS_PER_DAY, steady=True).spans(SINCE, UNTIL)
    noise = cycle([protobuf_body(_noise(number)) for number in range(NOISES)])
    for number in count():
        told = list(islice(demo, OF_THE_DEMO))
        calls = sum(read_call(one) is not None for one in told)
        # Messages joined are one message (protobuf, "Encoding": fields that repeat are added up).
        body = protobuf_body(told) + known_calls("known", number) + next(noise)
        yield Batch(gzip.compress(body, 1), OF_THE_DEMO + KNOWN_CALLS + NOISE, calls + KNOWN_CALLS)


def known_calls(service: str, number: int) -> bytes:
    """Return a body of `KNOWN_CALLS` plain calls, each with a user, a session and a response nobody else has."""
    names = [f"{service}-{number}-{each}" for each in range(KNOWN_CALLS)]
    own = [{"user.id": name, "session.id": name, "gen_ai.response.id": name} for name in names]
    return protobuf([span({**PLAIN_CALL, **ids}) for ids in own], service=service)


def _noise(number: int) -> Iterator[SpanRecord]:
    """Yield requests to a shop. They are no calls, so that their ids come again is nobody's business."""
    for each in range(NOISE):
        plain = http_server_span(
            trace_id=f"{number * NOISE + each + 1:032x}",
            span_id=f"{number * NOISE + each + 1:016x}",
            start_ns=START_NS,
            end_ns=START_NS + 800 * MILLISECOND,
            who=SHOP,
        )
        yield replace(plain, attributes={**plain.attributes, "url.path": f"/ask/{number}/{each}"})
