"""Charges as FOCUS 1.2 rows, which finance's tools read: a row a day, price, unit and attribution.

Columns and their rules: https://focus.finops.org/focus-specification/v1-2/. Version 1.2 is the latest the official
validator knows offline. What it has no column for is `x_`: the model's identity, which 1.5 drafts as keys of
SkuPriceDetails, and whose figure the cost is. Costs are what the ledger says, so `x_CostSource` is `telemetry`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Final

from costspan.core.money import usd_from_pico
from costspan.core.period import iso
from costspan.core.units import CACHE_READ_UNITS, CACHE_WRITE_UNITS, INPUT_UNITS, TOKEN_UNITS, Unit
from costspan.pricing.match import inferred_provider
from costspan.pricing.rate_card import RateCard
from costspan.server.store.export import ChargeSum, Form, TableSource, Wanted

COLUMNS: Final = (
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType",
    "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "CapacityReservationId",
    "CapacityReservationStatus", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
    "ChargePeriodEnd", "ChargePeriodStart", "CommitmentDiscountCategory", "CommitmentDiscountId",
    "CommitmentDiscountName", "CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType",
    "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice",
    "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory",
    "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId",
    "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName",
    "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName",
    "SubAccountType", "Tags",
    "x_Adjusts", "x_CostSource", "x_Environment", "x_Feature", "x_ModelId", "x_PriceTableVersion", "x_RateId",
    "x_RequestCount", "x_Service", "x_ServiceTier", "x_Team",
)  # fmt: skip
NUMBERS: Final = frozenset(
    name for name in COLUMNS if name.endswith(("Cost", "UnitPrice", "Quantity")) or name == "x_RequestCount"
)
_PER: Final = 1_000_000
"""Tokens are priced by the million, which is the specification's own example of a PricingUnit."""
_MORE_THAN_ENOUGH: Final = Context(prec=60)
_UNIT_PRICE: Final = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Meter:
    """How FOCUS names a unit."""

    name: str
    consumed: str
    per: int = 1


_FEES: Final[Mapping[Unit, Meter]] = {
    Unit.WEB_SEARCH: Meter("Web Searches", "Requests"),
    Unit.GROUNDING: Meter("Grounded Requests", "Requests"),
    Unit.CODE_EXECUTION: Meter("Code Executions", "Requests"),
    Unit.REQUEST: Meter("Requests", "Requests"),
    Unit.IMAGE: Meter("Images", "Images"),
    Unit.PAGE: Meter("Pages", "Pages"),
    Unit.SECOND: Meter("Seconds", "Seconds"),
}
_KINDS_OF_TOKENS: Final[Mapping[Unit, str]] = {
    Unit.INPUT: "Input",
    Unit.CACHE_READ: "Cache Read Input",
    Unit.CACHE_WRITE_5M: "Cache Write Input (5 min)",
    Unit.CACHE_WRITE_30M: "Cache Write Input (30 min)",
    Unit.CACHE_WRITE_1H: "Cache Write Input (1 h)",
    Unit.CACHE_WRITE_12H: "Cache Write Input (12 h)",
    Unit.INPUT_AUDIO: "Audio Input",
    Unit.CACHE_READ_AUDIO: "Cache Read Audio Input",
    Unit.INPUT_IMAGE: "Image Input",
    Unit.TOOL_USE_INPUT: "Tool Use Input",
    Unit.OUTPUT: "Output",
    Unit.REASONING: "Reasoning Output",
    Unit.OUTPUT_AUDIO: "Audio Output",
    Unit.OUTPUT_IMAGE: "Image Output",
}
METERS: Final[Mapping[Unit, Meter]] = {
    **{unit: Meter(f"{kind} Tokens", "Tokens", _PER) for unit, kind in _KINDS_OF_TOKENS.items()},
    **_FEES,
}


def write_focus(source: TableSource, card: RateCard, wanted: Wanted, target: Path, form: Form) -> int:
    """Write the charges of a period as FOCUS rows; return how many. Raise UsageError as `charge_sums` does."""
    as_csv = target if form is Form.CSV else target.with_name(f"{target.name}.csv")
    rows = 0
    try:
        with as_csv.open("x", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            for row in focus_rows(source.charge_sums(wanted), card):
                writer.writerow(row)
                rows += 1
        if form is not Form.CSV:
            source.write_csv_as(as_csv, target, form, NUMBERS)
    finally:
        if as_csv != target:
            as_csv.unlink(missing_ok=True)
    return rows


def focus_rows(sums: Iterable[ChargeSum], card: RateCard) -> Iterator[dict[str, str]]:
    """Yield a row for each sum; columns that say nothing are left out."""
    return (_row(charged, card) for charged in sums)


def _row(charged: ChargeSum, card: RateCard) -> dict[str, str]:
    meter = METERS[charged.unit]
    model = charged.model or "unknown"
    provider = _named(card, charged.provider)
    month, next_month = _month(charged.day)
    attribution = {
        "feature": charged.feature, "team": charged.team, "environment": charged.environment,
        "service": charged.service, "tenant": charged.tenant,
    }  # fmt: skip
    said = {
        "BillingAccountId": charged.provider or "unknown", "BillingAccountName": provider,
        "BillingAccountType": "Organization", "BillingCurrency": "USD", "PricingCurrency": "USD",
        "BillingPeriodStart": iso(month), "BillingPeriodEnd": iso(next_month),
        "ChargePeriodStart": iso(charged.day), "ChargePeriodEnd": iso(charged.day + timedelta(days=1)),
        "ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based",
        "ChargeClass": "Correction" if charged.adjusts else None,
        "ChargeDescription": f"{model}, {meter.name} ({charged.mode})",
        "ProviderName": provider, "InvoiceIssuerName": provider, "PublisherName": _publisher(card, charged, provider),
        "PricingCategory": "Standard", "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI", "ServiceName": f"{provider} API",
        "SkuId": f"{charged.provider}/{model}/{charged.unit}", "SkuMeter": meter.name,
        "SkuPriceId": f"{charged.provider}/{model}/{charged.unit}/{charged.mode}",
        "SkuPriceDetails": json.dumps(_details(charged, model, card)),
        "Tags": json.dumps({key: value for key, value in attribution.items() if value}),
        "x_Adjusts": charged.adjusts, "x_CostSource": "telemetry", "x_Environment": charged.environment,
        "x_Feature": charged.feature, "x_ModelId": model, "x_PriceTableVersion": charged.catalogue_version,
        "x_RateId": charged.rate_id, "x_RequestCount": str(charged.calls), "x_Service": charged.service,
        "x_ServiceTier": charged.mode, "x_Team": charged.team,
    }  # fmt: skip
    return {name: text for name, text in (said | _amounts(charged, meter)).items() if text is not None}


def _amounts(charged: ChargeSum, meter: Meter) -> dict[str, str]:
    cost, listed = (_text(usd_from_pico(amount)) for amount in (charged.cost, charged.list_cost))
    owed, published = (_unit_price(amount, charged.quantity, meter.per) for amount in (charged.cost, charged.list_cost))
    return {
        "BilledCost": cost, "EffectiveCost": cost, "ContractedCost": cost, "PricingCurrencyEffectiveCost": cost,
        "ListCost": listed,
        "ConsumedQuantity": _text(Decimal(charged.quantity)), "ConsumedUnit": meter.consumed,
        "PricingQuantity": _text(Decimal(charged.quantity) / meter.per),
        "PricingUnit": f"{meter.per} {meter.consumed}" if meter.per > 1 else meter.consumed,
        "ContractedUnitPrice": owed, "PricingCurrencyContractedUnitPrice": owed,
        "ListUnitPrice": published, "PricingCurrencyListUnitPrice": published,
    }  # fmt: skip


def _unit_price(cost: int, quantity: int, per: int) -> str:
    if not quantity:
        return "0.0"
    exact = _MORE_THAN_ENOUGH.divide(Decimal(cost) * per, Decimal(quantity) * 10**12)
    return _text(exact.quantize(_UNIT_PRICE, context=_MORE_THAN_ENOUGH))


def _details(charged: ChargeSum, model: str, card: RateCard) -> dict[str, str]:
    details = {"x_ModelId": model, "x_ServiceTier": charged.mode}
    if developer := inferred_provider(card, [model]):
        details["x_ModelDeveloper"] = _named(card, developer)
    if charged.unit in TOKEN_UNITS:
        is_input = charged.unit in INPUT_UNITS
        details["x_TokenDirection"] = "Input" if is_input else "Output"
        if is_input:
            read, write = charged.unit in CACHE_READ_UNITS, charged.unit in CACHE_WRITE_UNITS
            details["x_TokenCacheAction"] = "Read" if read else "Write" if write else "Uncached"
    return details


def _publisher(card: RateCard, charged: ChargeSum, provider: str) -> str:
    """Return who made the model, which is not who sells it where a cloud resells."""
    maker = inferred_provider(card, [charged.model]) if charged.model else None
    return _named(card, maker) if maker else provider


def _named(card: RateCard, provider: str | None) -> str:
    profile = card.profiles.get(provider) if provider else None
    return profile.name if profile else provider or "unknown"


def _month(day: datetime) -> tuple[datetime, datetime]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _text(value: Decimal) -> str:
    """Return a number with a point in it: readers that guess take a column of whole numbers for integers."""
    text = f"{value:f}"
    text = text.rstrip("0") if "." in text else f"{text}."
    return f"{text}0" if text.endswith(".") else text
