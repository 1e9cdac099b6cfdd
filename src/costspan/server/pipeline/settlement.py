"""Settling a batch against the ledger: what is new, who counts now, which entries that takes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from costspan.core.call import Call, Role
from costspan.core.link import Link
from costspan.core.tool import ToolUse
from costspan.pricing.price_call import price_call
from costspan.pricing.rate_card import RateCard
from costspan.semconv.metrics import read_points
from costspan.semconv.settlement.forest import Forest
from costspan.semconv.settlement.rules import SettlingRules
from costspan.semconv.settlement.settle import Settled, settle
from costspan.semconv.settlement.tools import tool_attribution
from costspan.server.store.entry import Batch, Entry, Neighbourhood, Posting, ToolEntry, digest
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
    tools, reversed_entry_ids = _tools(around, fresh, Forest(calls, links), rules)
    for elected in settle(calls, links, around.witnesses):
        settled = _marked(rules.complete(elected), around.cut)
        stands = around.standing.get(settled.call.identity)
        if stands is not None:
            if stands.digest == digest(settled):
                continue
            reversed_entry_ids.append(stands.entry_id)
        entries.append(Entry(settled, price_call(settled.call, card), card.version))
    return entries, tools, reversed_entry_ids


def _marked(settled: Settled, cut: frozenset[str]) -> Settled:
    """Say on a call that counts that not all records of its trace or response could be compared with it."""
    if settled.role is not Role.OWNER or not cut.intersection((settled.call.trace_id, settled.call.response_id)):
        return settled
    return replace(settled, reason=CUT)


def _tools(
    around: Neighbourhood, fresh: Batch, forest: Forest, rules: SettlingRules
) -> tuple[list[ToolEntry], list[int]]:
    """Return the tool uses to enter, and the ids of the entries they replace."""
    entries, reversed_entry_ids = [], []
    for use in (*around.tools, *fresh.tools):
        entry = ToolEntry(use, rules.attribution.attribution(tool_attribution(use, forest)))
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
        is_new = call.identity not in known and call.identity not in calls
        flags.append(is_new)
        if is_new:
            calls[call.identity] = call
    links: dict[str, Link] = {link.identity: link for link in batch.links if link.identity not in known}
    tools: dict[str, ToolUse] = {use.identity: use for use in batch.tools if use.identity not in known}
    others = [link for identity, link in links.items() if identity not in calls]
    kept = [record for record in batch.kept if record.identity not in known]
    return Batch(list(calls.values()), others, tools=list(tools.values()), kept=kept), flags
