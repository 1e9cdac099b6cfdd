"""Settling a batch against the ledger: what is new, who counts now, which entries that takes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from costspan.core.call import Call, Role
from costspan.core.link import Link
from costspan.pricing.price_call import price_call
from costspan.pricing.rate_card import RateCard
from costspan.semconv.metrics import read_points
from costspan.semconv.settlement.forest import Forest
from costspan.semconv.settlement.rules import SettlingRules
from costspan.semconv.settlement.settle import Settled, settle
from costspan.semconv.settlement.tools import tool_attribution
from costspan.server.store.entry import Batch, Entry, Neighbourhood, Posting, ToolEntry, is_same_verdict
from costspan.server.store.ports import Ledger

NO_RULES: Final = SettlingRules()
CUT: Final = "more records share this trace or response than are settled together; duplicates of it may count"


def post(ledger: Ledger, batch: Batch, card: RateCard, rules: SettlingRules = NO_RULES) -> Sequence[bool]:
    """Record `batch` and bring the ledger to what all records now say; return for each call whether it was new.

    Raise as `Ledger.commit` does, with nothing recorded.
    """
    before = ledger.metric_state()
    read, after = read_points(batch.points, before) if batch.points else ([], before)
    fresh, flags = _without_known(ledger, replace(batch, calls=[*batch.calls, *read], points=()))
    metrics = None if after is before else after
    if not fresh.records and not fresh.kept and metrics is None:
        return flags[: len(batch.calls)]
    around = ledger.neighbourhood(fresh)
    entries, tools, reversed_entry_ids = settled_anew(around, fresh, card, rules)
    ledger.commit(Posting(fresh, reversed_entry_ids, entries, metrics, tools))
    return flags[: len(batch.calls)]


def settled_anew(
    around: Neighbourhood, fresh: Batch, card: RateCard, rules: SettlingRules
) -> tuple[list[Entry], list[ToolEntry], list[int]]:
    """Return what to enter and which entries to take back, now that `fresh` is known beside what is `around` it."""
    calls, links = [*around.calls, *fresh.calls], [*around.links, *fresh.links]
    entries: list[Entry] = []
    tools, reversed_entry_ids = _tools(around, fresh, calls, links, rules)
    for elected in settle(calls, links, around.witnesses):
        settled = _marked(rules.complete(elected), around.cut)
        stands = around.standing.get(settled.call.identity) if around.standing else None
        if stands is not None:
            if is_same_verdict(settled, stands):
                continue
            reversed_entry_ids.append(stands.entry_id)
        entries.append(Entry(settled, price_call(settled.call, card), card.version))
    return entries, tools, reversed_entry_ids


def _marked(settled: Settled, cut: frozenset[str]) -> Settled:
    """Say on a call that counts that not all records of its trace or response could be compared with it."""
    if (
        not cut
        or settled.role is not Role.OWNER
        or not cut.intersection((settled.call.trace_id, settled.call.response_id))
    ):
        return settled
    return replace(settled, reason=CUT)


def _tools(
    around: Neighbourhood, fresh: Batch, calls: Sequence[Call], links: Sequence[Link], rules: SettlingRules
) -> tuple[list[ToolEntry], list[int]]:
    """Return the tool uses to enter, and the ids of the entries they replace."""
    # Engines find what is around in any order; the same batches get the same entry ids all the same.
    uses = (*sorted(around.tools, key=lambda use: use.identity), *fresh.tools)
    traces = {use.trace_id for use in uses}
    forests = {
        tenant: Forest(
            [call for call in calls if call.trace_id in traces and call.attribution.tenant == tenant],
            [link for link in links if link.trace_id in traces and link.attribution.tenant == tenant],
        )
        for tenant in {use.attribution.tenant for use in uses}
    }
    entries: list[ToolEntry] = []
    reversed_entry_ids: list[int] = []
    for use in uses:
        entry = ToolEntry(use, rules.attribution.attribution(tool_attribution(use, forests[use.attribution.tenant])))
        stands = around.standing_tools.get(use.identity)
        if stands is not None:
            if stands.digest == entry.digest:
                continue
            reversed_entry_ids.append(stands.entry_id)
        entries.append(entry)
    return entries, reversed_entry_ids


def _without_known(ledger: Ledger, batch: Batch) -> tuple[Batch, list[bool]]:
    known = ledger.known(batch)
    calls: dict[str, Call] = {}
    flags = []
    for call in batch.calls:
        identity = call.identity
        is_new = identity not in known and identity not in calls
        flags.append(is_new)
        if is_new:
            calls[identity] = call
    links = {identity: link for link in batch.links if (identity := link.identity) not in known}
    tools = {identity: use for use in batch.tools if (identity := use.identity) not in known}
    others = [link for identity, link in links.items() if identity not in calls]
    kept = [record for record in batch.kept if record.identity not in known]
    return Batch(list(calls.values()), others, tools=list(tools.values()), kept=kept), flags
