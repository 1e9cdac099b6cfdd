"""Billing exports as they are delivered: nested Parquet, meters in words, other currencies, credits."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from costspan.core.errors import UsageError
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import BillCell, Kind
from costspan.server.reconciliation.sources import FILE_SOURCES
from costspan.server.reconciliation.sources.meters import meter
from costspan.server.store.duckdb.bill_files import read_bill_file

DAY = date(2026, 10, 3)


def read(file: Path) -> tuple[str, list[BillCell]]:
    form, rows = read_bill_file(file, [source.form for source in FILE_SOURCES.values()])
    return form, [cell for row in rows if (cell := FILE_SOURCES[form].read("p", row))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("USE1-Claude4.6Sonnet-input-tokens", (Kind.CHARGE, "claude-sonnet-4-6", "standard", Unit.INPUT)),
        (
            "USE1-Claude4.6Sonnet-cache-read-input-token-count",
            (Kind.CHARGE, "claude-sonnet-4-6", "standard", Unit.CACHE_READ),
        ),
        (
            "USE1-Claude4.6Sonnet-cache-write-input-token-count",
            (Kind.CHARGE, "claude-sonnet-4-6", "standard", Unit.CACHE_WRITE_5M),
        ),
        ("USW2-NovaPro-output-tokens-batch", (Kind.CHARGE, "novapro", "batch", Unit.OUTPUT)),
        ("gpt 4o 0806 cached Inp glbl Tokens", (Kind.CHARGE, "gpt-4o-0806", "standard", Unit.CACHE_READ)),
        ("gpt-5 Outp glbl Tokens", (Kind.CHARGE, "gpt-5", "standard", Unit.OUTPUT)),
        ("Gemini 2.5 Pro Text Input", (Kind.CHARGE, "gemini-2.5-pro", "standard", Unit.INPUT)),
        ("Provisioned Managed Global PTU", (Kind.APART, None, "provisioned", None)),
        ("Grounding with Google Search", (Kind.FEE, None, None, Unit.GROUNDING)),
        ("Mystery meter", (Kind.UNMAPPED, None, None, None)),
    ],
)
def test_a_meter_says_in_words_what_it_measures(words: str, expected: tuple[object, ...]) -> None:
    found = meter(words)
    assert (found.kind, found.model, found.mode, found.unit) == expected


def test_an_aws_report_is_read_by_its_usage_types_in_thousands_of_tokens(tmp_path: Path) -> None:
    file = tmp_path / "cur.parquet"
    duckdb.sql(
        f"""COPY (SELECT * FROM (VALUES
          (TIMESTAMP '2026-10-03 05:00', '1111', 'Usage', 'USE1-Claude4.6Sonnet-input-tokens', '1K tokens', 12.5,
           0.0375, 'AmazonBedrock', 'USD', 'arn:aws:iam::1111:role/web'),
          (TIMESTAMP '2026-10-03 23:00', '1111', 'Usage', 'USE1-Claude4.6Sonnet-input-tokens', '1K tokens', 2.5, 0.0075,
           'AmazonBedrock', 'USD', 'arn:aws:iam::1111:role/web'),
          (TIMESTAMP '2026-10-03 23:00', '1111', 'Tax', 'tax', NULL, 0.0, 0.01, 'AmazonBedrock', 'USD', NULL),
          (TIMESTAMP '2026-10-03 23:00', '1111', 'Usage', 'BoxUsage:m7', 'Hrs', 1.0, 9.0, 'AmazonEC2', 'USD', NULL)
        ) v(line_item_usage_start_date, line_item_usage_account_id, line_item_line_item_type, line_item_usage_type,
            pricing_unit, line_item_usage_amount, line_item_unblended_cost, line_item_product_code,
            line_item_currency_code, line_item_iam_principal)) TO '{file}'"""
    )
    form, cells = read(file)
    assert form == "aws-cur"
    assert [(cell.kind, cell.day, cell.quantity, cell.billed_amount) for cell in cells] == [
        (Kind.CHARGE, DAY, 15_000, 45 * 10**9),
        (Kind.APART, DAY, None, 10**10),
    ]
    assert (cells[0].project, cells[0].api_key) == ("1111", "arn:aws:iam::1111:role/web")


def test_googles_nested_export_is_read_with_its_credits_taken_off(tmp_path: Path) -> None:
    file = tmp_path / "billing.parquet"
    duckdb.sql(
        f"""COPY (SELECT TIMESTAMPTZ '2026-10-03 09:00+00' AS usage_start_time, {{'id': 'my-project'}} AS project,
          {{'description': 'Vertex AI'}} AS service, {{'description': 'Gemini 2.5 Pro Text Output'}} AS sku,
          {{'amount': 4000.0, 'unit': 'count'}} AS usage, 0.04 AS cost, 'USD' AS currency, 'regular' AS cost_type,
          [{{'name': 'promo', 'amount': -0.015}}] AS credits) TO '{file}'"""
    )
    form, [cell] = read(file)
    assert form == "google-billing"
    assert (cell.kind, cell.model, cell.unit, cell.quantity) == (Kind.CHARGE, "gemini-2.5-pro", Unit.OUTPUT, 4000)
    assert (cell.list_amount, cell.billed_amount, cell.project) == (4 * 10**10, 25 * 10**9, "my-project")


def test_focus_keeps_commitments_and_other_currencies_out_of_the_dollars(tmp_path: Path) -> None:
    file = tmp_path / "focus.csv"
    file.write_text(
        "ChargePeriodStart,ChargeCategory,PricingCategory,BilledCost,BillingCurrency,ChargeDescription,ConsumedQuantity,"
        "ConsumedUnit,SubAccountId\n"
        "2026-10-03T00:00:00Z,Usage,Standard,1.25,USD,gpt-5 Inp glbl Tokens,1,1M Tokens,s1\n"
        "2026-10-03T00:00:00Z,Usage,Committed,100,USD,gpt-5 PTU,24,Hours,s1\n"
        "2026-10-03T00:00:00Z,Usage,Standard,3,EUR,gpt-5 Outp glbl Tokens,1,1M Tokens,s1\n",
        encoding="utf-8",
    )
    _, cells = read(file)
    assert {(cell.kind, cell.quantity, cell.billed_amount, cell.line_item) for cell in cells} == {
        (Kind.CHARGE, 1_000_000, 125 * 10**10, "gpt-5 Inp glbl Tokens"),
        (Kind.APART, None, 10**14, "gpt-5 PTU"),
        (Kind.UNMAPPED, None, 0, "gpt-5 Outp glbl Tokens: 3.000000000000 EUR"),
    }


@pytest.mark.parametrize("name", ["bill.xlsx", "missing.csv"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "bill.xlsx").write_bytes(b"PK")
    with pytest.raises(UsageError, match=name):
        read(tmp_path / name)
