"""What a condition is: a rule, a ledger and a moment in, a verdict for each group out. The base of this folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlencode

from costspan.core.budget import Budget
from costspan.core.period import Period, iso
from costspan.server.alerts.amounts import MeasureUnit
from costspan.server.alerts.rule import Rule
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter

Group = tuple[tuple[str, str | None], ...]
"""The keys of a rule's `group_by` with their values, None where the calls say none; empty for all calls together."""


class Truth(StrEnum):
    """Whether a condition is met."""

    MET = "met"
    NOT_MET = "not_met"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a condition says of one group at one moment.

    `text` is one sentence with figures; `reasons` follow it, the weightiest first. `facts` are names and values for
    programs (expected, ratio, drivers). `link` is a path of the dashboard that shows the rows behind it.
    """

    group: Group
    truth: Truth
    unit: MeasureUnit
    observed: Decimal | None = None
    limit: Decimal | None = None
    samples: int = 0
    share_priced: float | None = None
    """The part of the calls whose cost is known; None where no call could have one."""
    text: str = ""
    reasons: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The latest verdict on a bill: the share of it that differs, either way; None where nothing was billed."""

    provider: str
    month: str
    share: float | None
    says: str


def _no_bills() -> Sequence[Drift]:
    return ()


def _unknown_moment() -> datetime | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a condition may ask."""

    ledger: LedgerReader
    budgets: Sequence[Budget] = ()
    catalogue_checked: Callable[[], datetime | None] = field(default=_unknown_moment)
    """When a price of the catalogue was last checked, None where no price says it."""
    drifts: Callable[[], Sequence[Drift]] = field(default=_no_bills)
    """How each provider's bill compares with the ledger, where one was read."""


class Condition(Protocol):
    """Judges rules of one kind."""

    def __call__(self, rule: Rule, sources: Sources, as_of: datetime) -> Sequence[Verdict]:
        """Return a verdict for each group with calls in what the rule looks at; windows end at `as_of`.

        The same ledger and moment give the same verdicts: a rule is judged for past moments too. Raise StoreUnavailable
        when the ledger cannot be read.
        """


def calls_link(period: Period, filters: Sequence[Filter], group: Group = ()) -> str:
    """Return the path of the dashboard's page with the calls of a period, filters and group."""
    chosen = [*filters, *(Filter(key, value) for key, value in group)]
    asked = [("from", iso(period.since)), ("to", iso(period.until))]
    asked += [(f"f.{each.key}", f"{'!' if each.excludes else ''}{each.value or ''}") for each in chosen]
    # A rule may be about one value of a key that it also groups by.
    return f"calls?{urlencode(list(dict.fromkeys(asked)), safe=':')}"


def group_text(group: Group) -> str:
    """Return a group as it follows what is said of it: ` of feature search, team docs`; nothing for all calls."""
    return " of " + ", ".join(f"{key} {value or '(not set)'}" for key, value in group) if group else ""
