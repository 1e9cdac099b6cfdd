"""A ledger in memory with calls at chosen moments, as the real pipeline posts them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from costspan.core.attribution import Attribution
from costspan.core.clock import ns_from_utc
from costspan.pricing.load import load_rate_card
from costspan.server.alerts.conditions.base import Sources
from costspan.server.alerts.rule import Rule
from costspan.server.alerts.rule_file import parse_rules
from costspan.server.pipeline.settlement import post
from costspan.server.store.entry import Batch
from costspan.server.store.memory import MemoryStore
from costspan.testing.spans import sample_call

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALL_USD = "0.0055"
"""What a sample call costs: 1,000 x $2.50 and 200 x $15 a million."""
_numbers = count(1)


def minutes(number: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=number)


def rule(**said: Any) -> Rule:
    """Return a rule as costspan.yaml would say it, named `spend` and without delay unless `said` otherwise."""
    names = said.get("notify", [])
    [made] = parse_rules([{"name": "spend", "delay": "0s", **said}], notifiers=names)
    return made


def record(store: MemoryStore, moments: Iterable[datetime], **said: Any) -> None:
    """Post a call for each moment; `said` are fields of it, `team` and `feature` of its attribution."""
    who = Attribution(service="web", team=said.pop("team", "search"), feature=said.pop("feature", None))
    lasts_s = said.pop("lasts_s", 1)
    calls = []
    for moment in moments:
        number, started_ns = next(_numbers), ns_from_utc(moment)
        call = sample_call(
            trace_id=f"{number:032x}", span_id=f"{number:016x}", response_id=f"r{number}", attribution=who, **said
        )
        calls.append(replace(call, started_at_ns=started_ns, ended_at_ns=started_ns + int(lasts_s * 1e9)))
    post(store, Batch(calls), load_rate_card())


def ledger(**calls: Any) -> tuple[MemoryStore, Sources]:
    """Return an empty ledger and the sources over it; `calls` are passed on to `record` where given."""
    store = MemoryStore()
    if calls:
        record(store, **calls)
    return store, Sources(ledger=store)
