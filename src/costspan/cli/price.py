"""`costspan price MODEL`: what one usage costs, and why. Works in the bare install."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, Final

from costspan.core.charge import Charge, PricedUsage
from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import iso, parse_moment
from costspan.core.units import TOKEN_UNITS, Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.nearest import nearest_names
from costspan.pricing.overlay_file import read_overlays
from costspan.pricing.price_call import price_usage
from costspan.pricing.rate_card import RateCard

_EXAMPLE: Final = Usage({Unit.INPUT: 1_000_000, Unit.OUTPUT: 1_000_000})
_MILLION: Final = 1_000_000
_DIGITS: Final = Context(prec=28)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: a model, how much was used (disjoint quantities), and where, how and when."""
    parser.add_argument("model", metavar="MODEL", help="as a span or a price page names it")
    parser.add_argument("--provider", help="openai, aws.bedrock, ...; inferred where only one claims the model")
    parser.add_argument("--mode", default="standard", help="standard, batch, flex, priority, fast")
    parser.add_argument("--at", metavar="DATE", default="now", help="price of that day or moment, UTC (default: now)")
    parser.add_argument("--config", metavar="FILE", help="costspan.yaml with price overlays (default: COSTSPAN_CONFIG)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    amounts = parser.add_argument_group("quantities, each token in one of them (default: a million in, a million out)")
    for unit in Unit:
        names = [f"--{unit.value.replace('_', '-')}", *(["--cache-write"] if unit is Unit.CACHE_WRITE_5M else [])]
        amounts.add_argument(*names, dest=unit.value, type=_quantity, metavar="N", default=0)


def run(arguments: argparse.Namespace) -> int:
    """Price the usage and print it; return 1 when there is no price."""
    moment = parse_moment(arguments.at, system_clock())
    usage = Usage({unit: getattr(arguments, unit.value) for unit in Unit}) or _EXAMPLE
    card = load_rate_card(overlays(arguments.config))
    priced = price_usage(
        card, usage, provider=arguments.provider, models=(arguments.model,), mode=arguments.mode, at=moment
    )
    if arguments.json:
        print(json.dumps(document(priced), indent=2))
    elif priced.cost is None:
        print(_unpriced(card, arguments, priced))
    else:
        print(_explained(priced, moment))
    return 1 if priced.cost is None else 0


def overlays(config: str | None) -> list[Mapping[str, object]]:
    """Return the price overlays of the configuration named by `--config` or COSTSPAN_CONFIG, none where neither is."""
    named = config or os.environ.get("COSTSPAN_CONFIG")
    return read_overlays(Path(named)) if named else []


def document(priced: PricedUsage) -> dict[str, Any]:
    """Return the verdict as `price --json` prints it; money is decimal text, null where unknown."""
    rate = priced.rate
    return {
        "provider": priced.provider,
        "model": priced.model,
        "price_status": str(priced.status),
        "cost_usd": None if priced.cost is None else usd_text(priced.cost),
        "charges": [_charge_document(charge) for charge in priced.charges],
        "rate_id": rate.rate_id if rate else None,
        "matched_by": rate.matched_by if rate else None,
        "valid_from": iso(rate.valid_from) if rate and rate.valid_from else None,
        "valid_to": iso(rate.valid_to) if rate and rate.valid_to else None,
        "source": rate.source if rate else None,
        "checked": rate.checked if rate else None,
    }


def _charge_document(charge: Charge) -> dict[str, Any]:
    key = "rate_usd_per_million" if charge.unit in TOKEN_UNITS else "rate_usd"
    return {
        "unit": str(charge.unit),
        "quantity": charge.quantity,
        key: _plain(_rate(charge)),
        "cost_usd": usd_text(charge.cost),
    }


def _rate(charge: Charge) -> Decimal:
    times = _MILLION if charge.unit in TOKEN_UNITS else 1
    return _DIGITS.divide(charge.price * times, Decimal(charge.per))


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quantity(text: str) -> int:
    try:
        quantity = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if quantity < 0:
        raise argparse.ArgumentTypeError("a quantity is not negative")
    return quantity


def _explained(priced: PricedUsage, moment: datetime) -> str:
    rate, cost = priced.rate, priced.cost
    if rate is None or cost is None:
        raise UsageError("nothing to explain: the usage has no price")
    start = f"from {iso(rate.valid_from)}" if rate.valid_from else "from the beginning"
    end = f"until {iso(rate.valid_to)}" if rate.valid_to else "on"
    lines = [f"{priced.model} at {priced.provider}, {rate.mode}, {iso(moment)}"]
    lines += [_line(charge) for charge in priced.charges]
    lines += [f"  {'total':<16} {usd_text(cost)} USD ({priced.status})"]
    lines += [f"  note             {priced.reason}"] if priced.reason else []
    lines += [f"  rate             {rate.rate_id}, {start} {end}", f"  matched by       {rate.matched_by}"]
    lines += [f"  source           {rate.source}, checked {rate.checked} ({rate.layer})"]
    return "\n".join(lines)


def _line(charge: Charge) -> str:
    per = "a million" if charge.unit in TOKEN_UNITS else "each"
    return f"  {charge.unit:<16} {usd_text(charge.cost)} USD = {charge.quantity:,} at {_plain(_rate(charge))} {per}"


def _unpriced(card: RateCard, arguments: argparse.Namespace, priced: PricedUsage) -> str:
    near = [name for _, name in nearest_names(arguments.model, [priced.provider] if priced.provider else None)]
    lines = [f"unpriced: {arguments.model} ({priced.reason})"]
    lines += [f"  nearest known names: {', '.join(near)}"] if near else []
    lines += [f"  price list {card.version}; a price of your own goes under `prices:` in costspan.yaml"]
    return "\n".join(lines)
