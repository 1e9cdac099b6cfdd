"""Bills that come as files: FOCUS (Azure's FocusCost, AWS, any vendor), AWS CUR 2.0, Google's BigQuery export.

A source is the form of the export, by which its lines are added up, and a reading of the sums.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from costspan.core.units import Unit
from costspan.server.reconciliation.bill import BillCell, Kind, pico_from_bill, whole
from costspan.server.reconciliation.sources.base import FileSource
from costspan.server.reconciliation.sources.meters import Meter, meter, model_in
from costspan.server.store.bill_form import BillForm

Row = Mapping[str, str | None]

_UNITS: Final = frozenset(Unit) - {Unit.REASONING, Unit.TOOL_USE_INPUT, Unit.INPUT_IMAGE}
"""Meters tell no reasoning from other output, and no images or tools from other input."""
_DIRECTIONS: Final = {
    "input": Unit.INPUT,
    "output": Unit.OUTPUT,
    "cached_input": Unit.CACHE_READ,
    "cache_read": Unit.CACHE_READ,
    "cache_write": Unit.CACHE_WRITE_5M,
}
_MILLION: Final = ("1m token", "million token", "1,000,000 token")
_THOUSAND: Final = ("1k token", "1000 token", "1,000 token", "thousand token")
_APART: Final = frozenset({"tax", "credit", "purchase", "adjustment"})

_FOCUS_FORM: Final = BillForm(
    name="focus",
    required=("ChargePeriodStart", "BilledCost", "ChargeCategory"),
    keys={
        "day": ("ChargePeriodStart",),
        "project": ("SubAccountId", "SubAccountName"),
        "api_key": ("CredentialId", "x_ApiKeyId"),
        "category": ("ChargeCategory",),
        "pricing": ("PricingCategory",),
        "description": ("SkuMeter", "ChargeDescription", "SkuId"),
        "details": ("SkuPriceDetails",),
        "unit": ("ConsumedUnit", "PricingUnit"),
        "currency": ("BillingCurrency",),
    },
    sums={"quantity": ("ConsumedQuantity", "PricingQuantity"), "billed": ("BilledCost",), "listed": ("ListCost",)},
)
_CUR_FORM: Final = BillForm(
    name="aws-cur",
    required=("line_item_usage_type", "line_item_usage_start_date", "line_item_unblended_cost"),
    keys={
        "day": ("line_item_usage_start_date",),
        "project": ("line_item_usage_account_id",),
        "api_key": ("line_item_iam_principal", "line_item_resource_id"),
        "category": ("line_item_line_item_type",),
        "description": ("line_item_usage_type",),
        "unit": ("pricing_unit",),
        "currency": ("line_item_currency_code",),
    },
    sums={
        "quantity": ("line_item_usage_amount",),
        "billed": ("line_item_unblended_cost",),
        "listed": ("pricing_public_on_demand_cost",),
    },
    only=("line_item_product_code", "product_servicecode", "line_item_usage_type"),
    words=("bedrock", "claude"),
)
_GOOGLE_FORM: Final = BillForm(
    name="google-billing",
    required=("usage_start_time", "cost", "sku.description"),
    keys={
        "day": ("usage_start_time",),
        "project": ("project.id",),
        "api_key": ("resource.name",),
        "category": ("cost_type",),
        "description": ("sku.description",),
        "unit": ("usage.unit",),
        "currency": ("currency",),
    },
    sums={
        "quantity": ("usage.amount",),
        "billed": ("cost",),
        "listed": ("cost_at_list", "cost"),
        "credits": ("credits[].amount",),
    },
    only=("service.description",),
    words=("vertex", "gemini", "generative", "agent platform"),
)


def _focus(provider: str, row: Row) -> BillCell | None:
    category = (row["category"] or "").lower()
    committed = (row["pricing"] or "").lower() == "committed"
    found = Meter(Kind.APART) if category in _APART or committed else _focus_meter(row)
    return _cell(provider, row, found)


def _focus_meter(row: Row) -> Meter:
    """Return what a line is for: by the properties of its price where it has those of models, else by its words."""
    said = {name.removeprefix("x_"): str(value) for name, value in _object(row["details"]).items()}
    direction = (said.get("TokenDirection") or said.get("TokenType") or "").lower().replace(" ", "_")
    if said.get("TokenCacheAction", "").lower() in ("read", "write"):
        direction = f"cache_{said['TokenCacheAction'].lower()}"
    model = said.get("ModelId") or said.get("Model")
    if model and direction in _DIRECTIONS:
        return Meter(Kind.CHARGE, model, said.get("ServiceTier", "standard").lower(), _DIRECTIONS[direction])
    return meter(row["description"] or "")


def _cur(provider: str, row: Row) -> BillCell | None:
    is_usage = (row["category"] or "usage").lower() in ("usage", "discountedusage")
    return _cell(provider, row, meter(row["description"] or "") if is_usage else Meter(Kind.APART))


def _google(provider: str, row: Row) -> BillCell | None:
    is_usage = (row["category"] or "regular").lower() == "regular"
    billed = Decimal(row["billed"] or 0) + Decimal(row["credits"] or 0)
    found = meter(row["description"] or "") if is_usage else Meter(Kind.APART)
    return _cell(provider, {**row, "billed": f"{billed:f}"}, found)


def _cell(provider: str, row: Row, found: Meter) -> BillCell | None:
    """Return the line, None where it has no day or no amount."""
    day, billed, words = row["day"], row["billed"], row["description"] or row["category"] or ""
    if not day or billed is None:
        return None
    currency = (row["currency"] or "USD").upper()
    # An amount in another currency cannot be held against dollars: it is shown, and counts for nothing.
    if currency != "USD":
        found, words, billed = Meter(Kind.UNMAPPED), f"{words}: {billed} {currency}", "0"
    is_charge = found.kind is Kind.CHARGE
    return BillCell(
        day=date.fromisoformat(day),
        provider=provider,
        kind=found.kind,
        project=row["project"],
        api_key=row["api_key"],
        model=found.model or (model_in(words) if is_charge else None),
        mode=found.mode,
        unit=found.unit,
        quantity=_quantity(row["quantity"], (row["unit"] or "").lower()) if is_charge else None,
        list_amount=pico_from_bill(row["listed"]) if is_charge and row["listed"] is not None else None,
        billed_amount=pico_from_bill(billed),
        line_item=words,
    )


def _quantity(text: str | None, unit: str) -> int | None:
    if text is None:
        return None
    per = 1_000_000 if any(word in unit for word in _MILLION) else 1
    per = 1_000 if any(word in unit for word in _THOUSAND) or unit == "1k" else per
    return whole(Decimal(text) * per)


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


FOCUS: Final = FileSource(form=_FOCUS_FORM, tells_apart=_UNITS, read=_focus)
AWS_CUR: Final = FileSource(form=_CUR_FORM, tells_apart=_UNITS, read=_cur)
GOOGLE_BILLING: Final = FileSource(form=_GOOGLE_FORM, tells_apart=_UNITS, read=_google)
