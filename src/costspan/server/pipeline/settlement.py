"""Settling a batch against the ledger: what is new, who counts now, which entries that takes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from costspan.core.call import Call
from costspan.core.link import Link
from costspan.core.tool import ToolUse
from costspan.pricing.price_call import price_call
from costspan.pricing.rate_card import RateCard
from costspan.semconv.settlement.forest import Forest
from costspan.semconv.settlement.rules import SettlingRules
from costspan.semconv.settlement.settle import settle
from costspan.semconv.settlement.tools import tool_attribution
from costspan.server.store.entry import Batch, Entry, Neighbourhood, Posting, ToolEntry, digest
from costspan.server.store.ports import Ledger

NO_RULES: Final = SettlingRules()


def post(ledger: Ledger, batch: Batch, card: RateCard, rules: SettlingRules = NO_RULES) -> Sequence[bool]:
    """Record `batch` and bring the ledger to what all records now say; return for each call whether it was new.

    Raise as `Ledger.commit` does, with nothing recorded.
    """
    fresh, flags = _without_known(ledger, batch)
    if not fresh.calls and not fresh.links:
        return flags
    around = ledger.neighbourhood(fresh)
    calls, links = [*around.calls, *fresh.calls], [*around.links, *fresh.links]
    entries: list[Entry] = []
    tools, reversed_entry_ids = _tools(around, fresh, Forest(calls, links), rules)
    for elected in settle(calls, links):
        settled = rules.complete(elected)
        stands = around.standing.get(settled.call.identity)
        if stands is not None:
            if stands.digest == digest(settled):
                continue
            reversed_entry_ids.append(stands.entry_id)
        entries.append(Entry(settled, price_call(settled.call, card), card.version))
    ledger.commit(Posting(fresh, reversed_entry_ids, entries, tools=tools))
    return flags


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
    apart = [link for key, link in links.items() if key not in calls]
    return Batch(list(calls.values()), apart, tools=list(tools.values())), flags
