"""The verdict on a drift, and its document: what `/api/v1/reconciliations` sends and `costspan reconcile` prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from costspan.core.money import PICO_PER_USD, usd_text
from costspan.core.period import iso
from costspan.core.units import Unit
from costspan.pricing.rate_card import PER
from costspan.server.reconciliation.bill import Bill
from costspan.server.reconciliation.causes import MEANING, NEXT_STEP, Cause
from costspan.server.reconciliation.drift import Drift, Part
from costspan.server.reconciliation.patch import Proposal, yaml_of
from costspan.server.reconciliation.price_gap import BilledPrice
from costspan.server.reconciliation.settings import BillSettings

_MOST_PARTS: Final = 20
_MOST_NAMES: Final = 100


class State(StrEnum):
    """What a reconciliation comes to."""

    OK = "ok"
    DRIFT = "drift"
    PROVISIONAL = "provisional"
    """No day is settled yet."""


def share(amount: int, drift: Drift) -> float | None:
    """Return an amount as a share of the bill, None where nothing was billed."""
    return round(amount / drift.settled.billed, 9) if drift.settled.billed else None


def state_of(drift: Drift, settings: BillSettings) -> State:
    """Return whether the drift is within its limits: on balance, either way, and without a cause."""
    if drift.settled_until <= drift.period.since:
        return State.PROVISIONAL
    return State.DRIFT if any(True for _ in reasons(drift, settings)) else State.OK


def reasons(drift: Drift, settings: BillSettings) -> Iterator[str]:
    """Yield in words which limits are passed."""
    if not drift.settled.billed:
        if drift.settled.ledger:
            yield "the ledger has costs and the bill has none"
        return
    for what, amount, limit in (
        ("net drift", drift.net, settings.limit),
        ("gross drift", drift.gross, settings.limit),
        ("unexplained drift", drift.unexplained, settings.unexplained_limit),
    ):
        found = abs(amount) / drift.settled.billed
        if found > limit:
            yield f"{what} of {found:.1%} is above {limit:.1%}"


def document_of(bill: Bill, drift: Drift, settings: BillSettings, proposed: list[Proposal]) -> dict[str, Any]:
    """Return the document without its id and the time it was made."""
    return {
        "provider": bill.provider,
        "source": bill.source,
        "since": iso(drift.period.since),
        "until": iso(drift.period.until),
        "settled_until": iso(drift.settled_until),
        "state": state_of(drift, settings).value,
        "reasons": list(reasons(drift, settings)),
        "currency": "USD",
        "limit": settings.limit,
        "unexplained_limit": settings.unexplained_limit,
        "billed_usd": usd_text(drift.settled.billed),
        "ledger_usd": usd_text(drift.settled.ledger),
        "drift_usd": usd_text(drift.net),
        "net_share": share(drift.net, drift),
        "gross_usd": usd_text(drift.gross),
        "gross_share": share(drift.gross, drift),
        "unexplained_usd": usd_text(drift.unexplained),
        "unexplained_share": share(drift.unexplained, drift),
        "days_of": drift.days.name,
        "causes": [_cause(cause, amount, drift) for cause, amount in drift.by_cause().items()],
        "provisional": {
            "billed_usd": usd_text(drift.provisional.billed),
            "ledger_usd": usd_text(drift.provisional.ledger),
        },
        "apart": _named(drift.apart),
        "apart_ledger_usd": usd_text(drift.ledger_apart),
        "unmapped": _named(drift.unmapped),
        "told_apart_by": settings.scopes.by,
        "unseen": [
            {"project": origin.project, "api_key": origin.api_key, "billed_usd": usd_text(amount)}
            for origin, amount in _largest(drift.unseen)
        ],
        "origins": [
            {
                "project": origin.project,
                "api_key": origin.api_key,
                "billed_usd": usd_text(amount),
                "unseen_usd": usd_text(drift.unseen.get(origin, 0)),
            }
            for origin, amount in _largest(drift.origins)
        ],
        "prices": [_price(price) for price in drift.prices],
        "patch": yaml_of(proposed) or None,
        "patch_usd": usd_text(sum(each.amount for each in proposed)),
    }


def _cause(cause: Cause, amount: int, drift: Drift) -> dict[str, Any]:
    totals: dict[tuple[str | None, str | None], int] = defaultdict(int)
    for part in drift.parts:
        if part.cause is cause:
            totals[part.scope, part.model] += part.amount
    parts = [Part(cause, scope, model, total) for (scope, model), total in totals.items()]
    parts.sort(key=lambda part: (-abs(part.amount), part.scope or "", part.model or ""))
    return {
        "cause": cause.value,
        "amount_usd": usd_text(amount),
        "share": share(amount, drift),
        "meaning": MEANING[cause],
        "next_step": NEXT_STEP[cause],
        "parts": [
            {"scope": part.scope, "model": part.model, "amount_usd": usd_text(part.amount)}
            for part in parts[:_MOST_PARTS]
        ],
    }


def _price(price: BilledPrice) -> dict[str, Any]:
    return {
        "model": price.model,
        "mode": price.mode,
        "unit": price.unit.value,
        "since": price.since.isoformat(),
        "until": price.until.isoformat(),
        "days": price.days,
        "per": PER[price.unit],
        "billed_usd": _for(price.billed_price, price.unit),
        "our_usd": _for(price.our_price, price.unit),
        "amount_usd": usd_text(price.amount),
        "is_list_price": price.is_list,
    }


def _for(price: Fraction, unit: Unit) -> str:
    return f"{float(price * PER[unit] / PICO_PER_USD):.6g}"


def _named(amounts: Mapping[str, int]) -> list[dict[str, str]]:
    ranked = sorted(amounts.items(), key=lambda each: (-abs(each[1]), each[0]))
    return [{"line_item": name, "billed_usd": usd_text(amount)} for name, amount in ranked[:_MOST_NAMES]]


def _largest(amounts: Mapping[Any, int]) -> list[tuple[Any, int]]:
    ranked = sorted(amounts.items(), key=lambda each: (-each[1], each[0].name))
    return [each for each in ranked if each[1]][:_MOST_NAMES]
