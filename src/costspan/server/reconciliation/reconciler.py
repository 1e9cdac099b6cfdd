"""Reconciling a month: what is kept of the bill, what the ledger says of its days, and the verdict, kept in turn."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from secrets import token_hex
from typing import Any, TypeVar

from costspan.core.clock import Clock
from costspan.core.errors import NotFound, Unreachable, UsageError
from costspan.core.period import Period, iso
from costspan.pricing.providers import provider_id
from costspan.pricing.rate_card import RateCard
from costspan.server.reconciliation.collect import FROM_API, bill_of, collect
from costspan.server.reconciliation.drift import Drift, drift_of
from costspan.server.reconciliation.patch import proposals
from costspan.server.reconciliation.rates import CardRates
from costspan.server.reconciliation.settings import BillSettings, settings_for
from costspan.server.reconciliation.sources import API_SOURCES
from costspan.server.reconciliation.sources.base import Access, Fetch, key_from
from costspan.server.reconciliation.verdict import document_of, share, state_of
from costspan.server.reconciliation.zone import MARGIN
from costspan.server.store.cells import CellReader, CellsQuestion
from costspan.server.store.reconciliations import Reconciliation, ReconciliationLog, Sheet, SheetMark

Result = TypeVar("Result")
Write = Callable[[Callable[[], Result]], Result]


@dataclass(frozen=True, slots=True)
class DriftReading:
    """The latest verdict on a provider's bill, for an alert: shares of the bill, None where nothing was billed."""

    provider: str
    period: Period
    made_at: datetime
    net_share: float | None
    gross_share: float | None
    unexplained_share: float | None
    limit: float
    is_beyond: bool
    largest_cause: str
    """The cause that most of the difference has, with its dollars; empty where there is none."""


class Reconciler:
    """Compares bills with one ledger. `write` runs what puts on the thread that may; the rest may come from any."""

    def __init__(
        self,
        ledger: CellReader,
        log: ReconciliationLog,
        card: Callable[[], RateCard],
        settings: Callable[[], Sequence[BillSettings]],
        clock: Clock,
        write: Write[Any] = lambda act: act(),
    ) -> None:
        self._ledger = ledger
        self._log = log
        self._card = card
        self._settings = settings
        self._clock = clock
        self._write = write

    @property
    def configured(self) -> Sequence[BillSettings]:
        """The providers of `reconcile:`."""
        return self._settings()

    def sheet_marks(self, provider: str, period: Period) -> Sequence[SheetMark]:
        """Return what is kept of a bill."""
        return self._log.sheet_marks(provider, period)

    def put_sheet(self, sheet: Sheet) -> None:
        """Keep a part of a bill."""
        self._write(lambda: self._log.put_sheet(sheet))

    def all(self, provider: str | None = None) -> Sequence[Reconciliation]:
        """Return every verdict, the latest first."""
        return self._log.reconciliations(provider)

    def one(self, reconciliation_id: str) -> Reconciliation:
        """Return a verdict. Raise NotFound where there is none of that id."""
        found = self._log.reconciliation(reconciliation_id)
        if found is None:
            raise NotFound(f"no reconciliation {reconciliation_id!r}; costspan reconcile --list names them")
        return found

    def fetch(self, provider: str, period: Period, environment: Mapping[str, str] = os.environ) -> int:
        """Fetch what is missing of a bill, with the key of the environment. Raise Unreachable as `reader_of` does."""
        with reader_of(provider, settings_for(provider, self._settings()), environment) as fetch:
            return collect(API_SOURCES[provider], fetch, self, period, self._clock())

    def judge(self, provider: str, period: Period, source: str = FROM_API) -> Reconciliation:
        """Compare what is kept of a bill with the ledger; return the verdict.

        It is kept as a new one where it says something else than the last of its period. Raise UsageError where nothing
        of the bill is kept.
        """
        sheets = [each for each in self._log.sheets(provider, period) if each.source == source]
        if not sheets:
            raise UsageError(f"nothing of {provider}'s bill from {iso(period.since)} on is there to compare")
        settings, now = settings_for(provider, self._settings()), self._clock()
        bill, card = bill_of(provider, sheets, period), self._card()
        around = Period(period.since - MARGIN, period.until + MARGIN)
        called = provider_id(provider, card.profiles, card.overlay_providers, guess=False) or provider
        drift = drift_of(
            bill,
            self._ledger.ledger_cells(CellsQuestion(around, called, settings.scopes.by)),
            period,
            settled_until=_midnight(min(now, bill.fetched_at or now) - settings.settle),
            card=card,
            scopes=settings.scopes,
            models=settings.models,
        )
        rates = CardRates(card, provider, settings.models)
        proposed = proposals(provider, drift.prices, _billed_by_model(bill, rates), rates)
        return self._keep(settings, drift, document_of(bill, drift, settings, proposed), now)

    def _keep(self, settings: BillSettings, drift: Drift, document: dict[str, Any], now: datetime) -> Reconciliation:
        digest = hashlib.blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()
        for last in self._log.reconciliations(settings.provider):
            if last.period == drift.period:
                if last.digest == digest:
                    return last
                break
        name = token_hex(6)
        found = Reconciliation(
            reconciliation_id=name,
            provider=settings.provider,
            period=drift.period,
            made_at=now,
            state=state_of(drift, settings).value,
            net_share=share(drift.net, drift),
            gross_share=share(drift.gross, drift),
            unexplained_share=share(drift.unexplained, drift),
            limit=settings.limit,
            digest=digest,
            document={"id": name, "made_at": iso(now), **document},
        )
        self._write(lambda: self._log.put_reconciliation(found))
        return found


def latest_drift(log: ReconciliationLog) -> list[DriftReading]:
    """Return the latest verdict on each provider's bill: what an alert on the measure `drift` reads."""
    latest: dict[str, Reconciliation] = {}
    for each in log.reconciliations():
        latest.setdefault(each.provider, each)
    return [
        DriftReading(
            provider=each.provider,
            period=each.period,
            made_at=each.made_at,
            net_share=each.net_share,
            gross_share=each.gross_share,
            unexplained_share=each.unexplained_share,
            limit=each.limit,
            is_beyond=each.state == "drift",
            largest_cause=_largest_cause(each.document),
        )
        for each in sorted(latest.values(), key=lambda each: each.provider)
    ]


def _largest_cause(document: Mapping[str, Any]) -> str:
    causes = [(cause["cause"], Decimal(cause["amount_usd"])) for cause in document.get("causes", ())]
    name, amount = max(causes, key=lambda each: abs(each[1]), default=("", Decimal(0)))
    return f"most of it is {name.replace('_', ' ')}: ${amount:,.2f} of the bill" if amount else ""


def reader_of(
    provider: str, settings: BillSettings, environment: Mapping[str, str] = os.environ
) -> AbstractContextManager[Fetch]:
    """Return what reads a provider's reports, to be opened by `with`.

    Raise Unreachable, saying what to do, where it is not configured.
    """
    source = API_SOURCES.get(provider)
    if source is None:
        raise Unreachable(
            f"{provider} has no report costspan can ask: export the bill as FOCUS, CUR or from BigQuery and name it "
            f"with --bill FILE; reports are asked of {', '.join(API_SOURCES)}"
        )
    name = settings.key_env or source.key_env
    key = key_from(environment, name)
    if key is None:
        raise Unreachable(f"not configured: set {name} (or {name}_FILE) to an admin key of {provider}")
    return source.connect(Access(key, settings.base_url or environment.get(source.url_env)))


def _billed_by_model(bill: Any, rates: CardRates) -> dict[str, int]:
    billed: dict[str, int] = {}
    for cell in bill.cells:
        if cell.model and cell.billed_amount:
            name = rates.listed_name(cell.model, cell.day)
            billed[name] = billed.get(name, 0) + cell.billed_amount
    return billed


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
