"""A month whose truth is known, with each fault alone and in pairs: every cause is named, every dollar found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest

from costspan.core.money import PICO_PER_USD
from costspan.server.reconciliation.causes import Cause
from costspan.server.reconciliation.drift import Drift, drift_of
from costspan.server.reconciliation.match import Scopes
from costspan.testing.bill_month import FAULTS, OCTOBER, Faulty, faulty_month

PACIFIC = ZoneInfo("America/Los_Angeles")
LATER = datetime(2026, 11, 21, tzinfo=UTC)


def drift(month: Faulty, scopes: Scopes | None = None) -> Drift:
    return drift_of(
        month.bill, month.ledger, OCTOBER, settled_until=LATER, card=month.card, scopes=scopes or Scopes("tag.project")
    )


def assert_found(month: Faulty, found: Drift) -> None:
    """Each cause within 1 % of its injected dollars, nothing else named, nothing unexplained above 0.1 %."""
    causes = found.by_cause()
    assert sum(causes.values()) == found.net == found.settled.billed - found.settled.ledger
    for cause, dollars in month.injected.items():
        assert abs(causes.get(Cause(cause), 0) - dollars) <= abs(dollars) // 100, (cause, dollars, causes)
    noise = {cause: amount for cause, amount in causes.items() if cause not in month.injected}
    assert sum(map(abs, noise.values())) <= found.settled.billed // 1000, noise


def test_a_ledger_that_saw_everything_has_no_drift() -> None:
    found = drift(faulty_month(()))
    assert found.settled.billed > 1_000 * PICO_PER_USD
    assert (found.net, found.gross, found.parts) == (0, 0, ())


@pytest.mark.parametrize("fault", FAULTS)
def test_each_cause_alone_is_named_with_its_dollars(fault: str) -> None:
    month = faulty_month([fault], zone=PACIFIC)
    assert abs(month.injected[fault]) > PICO_PER_USD
    assert_found(month, drift(month))


@pytest.mark.parametrize("pair", list(combinations(FAULTS, 2)), ids="+".join)
def test_two_causes_together_are_told_apart(pair: tuple[str, str]) -> None:
    month = faulty_month(pair, zone=PACIFIC)
    assert_found(month, drift(month))


def test_all_causes_together_leave_nothing_unexplained() -> None:
    month = faulty_month([fault for fault in FAULTS if fault != "duplicate_records"], zone=PACIFIC)
    assert_found(month, drift(month))


@pytest.mark.parametrize("fault", FAULTS)
def test_causes_are_found_where_the_ledger_knows_no_projects(fault: str) -> None:
    month = faulty_month([fault], zone=PACIFIC, scoped=False)
    assert_found(month, drift(month, Scopes()))


def test_a_key_that_spends_outside_telemetry_is_listed_with_its_dollars() -> None:
    month = faulty_month(["not_instrumented"], scoped=False)
    found = drift(month, Scopes())
    [(origin, amount)] = found.unseen.items()
    assert (origin.project, origin.api_key) == ("shadow", "key_shadow")
    assert amount == month.injected["not_instrumented"]


def test_days_that_are_not_settled_are_provisional_and_never_drift() -> None:
    month = faulty_month(["missing_traffic"])
    until = datetime(2026, 10, 11, tzinfo=UTC)
    found = drift_of(month.bill, month.ledger, OCTOBER, settled_until=until, card=month.card, scopes=Scopes("x"))
    assert found.settled_until == until
    assert found.provisional.billed > found.settled.billed > 0
    behind = [cell for cell in month.ledger if cell.hour < until - timedelta(days=10)]
    nothing = drift_of(month.bill, behind, OCTOBER, settled_until=OCTOBER.since, card=month.card, scopes=Scopes("x"))
    assert (nothing.net, nothing.parts, nothing.settled.billed) == (0, (), 0)
    assert nothing.provisional.billed == found.settled.billed + found.provisional.billed
