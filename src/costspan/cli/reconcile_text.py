"""What `costspan reconcile` prints: a waterfall from the ledger to the bill, and what to do about each step."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from costspan.cli.table import UNKNOWN, money_text, render_table

_WIDTH: Final = 32
_MOST_PARTS: Final = 3
_MOST_NAMES: Final = 8


def print_verdict(document: dict[str, Any], patch: Path | None = None) -> None:
    """Print one verdict as text."""
    print(_heading(document))
    if Decimal(document["billed_usd"]) or Decimal(document["ledger_usd"]):
        print(f"\n{waterfall(document)}")
    for cause in document["causes"]:
        print(f"\n{cause['cause']}: {_signed(cause['amount_usd'])} ({_share(cause['share'])}). {cause['meaning']}")
        for part in cause["parts"][:_MOST_PARTS]:
            if part["model"] or part["scope"]:
                place = " in ".join(said for said in (part["model"], part["scope"]) if said)
                print(f"  {_signed(part['amount_usd'])}  {place}")
        print(f"  -> {cause['next_step']}")
    _print_names("Projects and keys that spend outside telemetry", document["unseen"])
    _print_names("Names on the bill that are not known", document["unmapped"])
    _print_names("Kept apart: subscriptions, capacity, taxes, credits", document["apart"])
    young = document["provisional"]
    if Decimal(young["billed_usd"]) or Decimal(young["ledger_usd"]):
        print(
            f"\nNot settled yet, from {document['settled_until'][:10]} on: billed {money_text(young['billed_usd'])}, "
            f"ledger {money_text(young['ledger_usd'])}"
        )
    if document["patch"]:
        print(f"\nProposed prices, worth {_signed(document['patch_usd'])}. Put them into costspan.yaml:\n")
        print(document["patch"].rstrip() if patch is None else f"  written to {patch}")
        since = document["since"][:10]
        print(f"\nThen look what they change: costspan reprice --dry-run --since {since}")


def print_list(document: dict[str, Any]) -> None:
    """Print every verdict in a line."""
    if not document["reconciliations"]:
        print("Nothing was reconciled yet. Start with: costspan reconcile openai --month 2026-10")
        return
    headers = ("ID", "Provider", "Month", "State", "Made", "Billed", "Ledger", "Drift", "Gross")
    rows = [
        [
            each["id"],
            each["provider"],
            each["since"][:7],
            each["state"],
            each["made_at"][:16],
            money_text(each["billed_usd"]),
            money_text(each["ledger_usd"]),
            _share(each["net_share"]),
            _part(each["gross_share"]),
        ]
        for each in document["reconciliations"]
    ]
    print(render_table(headers, rows, words=5))


def waterfall(document: dict[str, Any]) -> str:
    """Return the way from the ledger to the bill as bars, a line for each cause."""
    steps = [("ledger", Decimal(0), Decimal(document["ledger_usd"]))]
    at = steps[0][2]
    for cause in document["causes"]:
        amount = Decimal(cause["amount_usd"])
        steps.append((cause["cause"], at, at + amount))
        at += amount
    steps.append(("bill", Decimal(0), Decimal(document["billed_usd"])))
    # From near the lowest level on, so that small steps between two large totals are seen.
    levels = [level for _, since, until in steps[1:-1] for level in (since, until)] or [at]
    low = max(Decimal(0), min(levels) - (max(levels) - min(levels)) / 2)
    high = max(*levels, steps[0][2], steps[-1][2])
    width = max(len(name) for name, _, _ in steps)
    scale = (high - low) or Decimal(1)
    return "\n".join(f"  {name:<{width}}  {_bar(since, until, low, scale)}" for name, since, until in steps)


def _bar(since: Decimal, until: Decimal, low: Decimal, scale: Decimal) -> str:
    first, last = sorted(int(max(Decimal(0), (each - low) / scale) * _WIDTH) for each in (since, until))
    filled = max(1, last - first)
    first = min(first, _WIDTH - filled)
    is_total = since == 0
    mark = "█" if is_total else ("▓" if until >= since else "░")
    amount = money_text(f"{until:f}") if is_total else _signed(f"{until - since:f}")
    return f"{' ' * first}{mark * filled}{' ' * (_WIDTH - first - filled)}  {amount}"


def _heading(document: dict[str, Any]) -> str:
    first = (
        f"{document['provider']} {document['since'][:7]}: bill {money_text(document['billed_usd'])}, "
        f"ledger {money_text(document['ledger_usd'])}, "
        f"drift {_signed(document['drift_usd'])} ({_share(document['net_share'])}; "
        f"gross {_part(document['gross_share'])}, unexplained {_part(document['unexplained_share'])})"
    )
    if document["state"] == "provisional":
        return f"{first}\nProvisional: no day of the month is settled yet."
    said = "; ".join(document["reasons"]) or f"within {document['limit']:.0%} of the bill"
    days = "" if document["days_of"] == "UTC" else f"\nThe bill's days are those of {document['days_of']}."
    return f"{first}\n{said[0].upper()}{said[1:]}.{days}"


def _print_names(title: str, amounts: list[dict[str, Any]]) -> None:
    if not amounts:
        return
    print(f"\n{title}:")
    for each in amounts[:_MOST_NAMES]:
        name = each.get("line_item") or " ".join(said for said in (each.get("project"), each.get("api_key")) if said)
        print(f"  {money_text(each['billed_usd'])}  {name or '(no project)'}")
    if len(amounts) > _MOST_NAMES:
        print(f"  and {len(amounts) - _MOST_NAMES} more")


def _signed(usd: str) -> str:
    text = money_text(usd)
    return text if text.startswith("-") else f"+{text}"


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:+.1%}" if share else "0 %"


def _part(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.1%}"
