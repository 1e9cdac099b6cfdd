"""Settling a batch against the ledger: what is new, who counts now, which entries that takes back."""

from __future__ import annotations

from collections.abc import Sequence

from costspan.core.call import Call
from costspan.core.link import Link
from costspan.pricing.price_call import price_call
from costspan.pricing.rate_card import RateCard
from costspan.semconv.metrics import read_points
from costspan.semconv.settlement.settle import settle
from costspan.server.store.entry import Batch, Entry, Posting, digest
from costspan.server.store.ports import Ledger


def post(ledger: Ledger, batch: Batch, card: RateCard) -> Sequence[bool]:
    """Record `batch` and bring the ledger to what all records now say; return for each call whether it was new.

    Raise as `Ledger.commit` does, with nothing recorded.
    """
    before = ledger.metric_state()
    read, after = read_points(batch.points, before) if batch.points else ([], before)
    fresh, flags = _without_known(ledger, Batch([*batch.calls, *read], batch.links))
    metrics = None if after is before else after
    if not fresh.records and metrics is None:
        return flags[: len(batch.calls)]
    around = ledger.neighbourhood(fresh)
    calls = [*around.calls, *fresh.calls]
    entries, reversed_entry_ids = [], []
    for settled in settle(calls, [*around.links, *fresh.links], around.witnesses):
        stands = around.standing.get(settled.call.identity)
        if stands is not None:
            if stands.digest == digest(settled):
                continue
            reversed_entry_ids.append(stands.entry_id)
        entries.append(Entry(settled, price_call(settled.call, card), card.version))
    ledger.commit(Posting(fresh, reversed_entry_ids, entries, metrics))
    return flags[: len(batch.calls)]


def _without_known(ledger: Ledger, batch: Batch) -> tuple[Batch, list[bool]]:
    known = ledger.known(batch)
    calls: dict[str, Call] = {}
    flags = []
    for call in batch.calls:
        is_new = call.identity not in known and call.identity not in calls
        flags.append(is_new)
        if is_new:
            calls[call.identity] = call
    links: dict[str, Link] = {link.identity: link for link in batch.links if link.identity not in known}
    return Batch(list(calls.values()), [link for key, link in links.items() if key not in calls]), flags
