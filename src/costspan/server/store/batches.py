"""A batch of received records as bytes, for a ledger that settles them elsewhere than they were received."""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec

from costspan.core.link import Link
from costspan.core.record import MetricKind, MetricPoint, Scope, Temporality
from costspan.server.store.encoding import decode_call, decode_use, encode_call, encode_use
from costspan.server.store.entry import Batch

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL: Final = 3
_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=dict)
_DECODER: Final = msgspec.msgpack.Decoder(tuple[list[bytes], list[Link], list[dict[str, Any]], list[bytes]])


def encode_batch(batch: Batch) -> bytes:
    """Return a batch as bytes that `decode_batch` reads back, without its `kept` records."""
    facts = (
        [encode_call(call) for call in batch.calls],
        list(batch.links),
        list(batch.points),
        [encode_use(use) for use in batch.tools],
    )
    return zstd.compress(_ENCODER.encode(facts), _LEVEL)


def decode_batch(encoded: bytes) -> Batch:
    """Return the batch `encode_batch` wrote."""
    calls, links, points, tools = _DECODER.decode(zstd.decompress(encoded))
    return Batch(
        [decode_call(call) for call in calls],
        links,
        [_point(point) for point in points],
        [decode_use(use) for use in tools],
    )


def _point(said: dict[str, Any]) -> MetricPoint:
    named = {"kind": MetricKind(said["kind"]), "temporality": Temporality(said["temporality"])}
    return MetricPoint(**{**said, **named, "scope": Scope(**said["scope"])})
