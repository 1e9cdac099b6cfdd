"""Damaged telemetry raises nothing, loses nothing without a reason, and never turns a call into a free one."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from mutate import mutated, parsed

from corpus import CASES, PAYLOAD
from costspan.core.call import Role
from costspan.core.charge import PriceStatus
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import post
from costspan.server.pipeline.signals import PROTOBUF, SIGNALS
from costspan.server.store.memory import MemoryStore

CARD = load_rate_card()
MOST_MUTATIONS, MOST_BYTES = 250, 400_000
"""Of each body; of a large one as many as come to so many bytes."""
BODIES = [
    pytest.param(path, id=f"{path.parent.name}/{path.name}")
    for path in sorted(CASES.glob("*/*"))
    if PAYLOAD.fullmatch(path.name)
]


@pytest.mark.parametrize("path", BODIES)
def test_damage_is_survived_accounted_for_and_never_free(path, caplog):
    signal = PAYLOAD.fullmatch(path.name)[1]
    message = parsed(signal, path.read_bytes(), path.suffix == ".json")
    random = Random(path.parent.name)
    for _ in range(min(MOST_MUTATIONS, MOST_BYTES // path.stat().st_size + 3)):
        received = SIGNALS[signal](mutated(message, random), PROTOBUF)
        store = MemoryStore()
        post(store, received.batch, CARD)
        entries = list(store.standing_entries())
        conserved(received, entries)
        for entry in entries:
            not_silently_free(entry)
    assert caplog.records == []


def conserved(received, entries) -> None:
    """Every item is a call with a role, a link, a point, something else, or refused with a reason."""
    batch = received.batch
    assert len(batch.records) + len(batch.points) + received.refused.total() <= received.items
    assert all(reason for reason in received.refused)
    roles = Counter(entry.role for entry in entries)
    distinct = len({call.identity for call in batch.calls})
    if not batch.points:
        assert roles.total() == distinct
    assert all(entry.settled.reason for entry in entries if entry.role is not Role.OWNER)


def not_silently_free(entry) -> None:
    if entry.priced.cost == 0:
        assert entry.priced.status is PriceStatus.FREE
    if not entry.call.usage:
        assert entry.priced.cost is None
    assert entry.priced.cost is None or entry.priced.cost >= 0
