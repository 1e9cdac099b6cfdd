"""`costspan reconcile` on a ledger and a bill whose truth is known: in a folder, of a server, from files."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from clickhouse_node import needs_clickhouse
from costspan.cli.main import main
from costspan.core.money import usd_from_pico
from costspan.server.reconciliation.bill import Kind
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch, Posting
from costspan.server.store.ports import Store
from costspan.testing.bill_month import Faulty, entries_of, faulty_month
from costspan.testing.stub_bills import StubBills
from serving import Server

FAULTS = ("not_instrumented", "price_table", "tier_mix", "cache_split", "tool_fees")
MONTH = ("--month", "2026-10")


@pytest.fixture(scope="module")
def month() -> Faulty:
    return faulty_month(FAULTS)


@pytest.fixture(scope="module")
def ledger(month: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger whose prices for one model are wrong, as its costspan.yaml has them."""
    folder = tmp_path_factory.mktemp("ledger")
    entries = list(entries_of(month))
    store = DuckDBStore(folder)
    store.commit(Posting(Batch([entry.call for entry in entries]), (), entries))
    store.close()
    write_settings(folder)
    return folder


WRONG = """prices:
  - {provider: openai, model: gpt-5-mini, from: 2026-10-01, input: "0.30", cache_read: "0.03", output: "2.40", modes: {batch: "x0.5"}}
"""  # noqa: E501 - one line of YAML
RECONCILE = """reconcile:
  - {provider: openai, project_by: tag.project, limit: 0.05}
"""


def write_settings(folder: Path, prices: str = WRONG) -> None:
    (folder / "costspan.yaml").write_text(prices + RECONCILE, encoding="utf-8")


@pytest.fixture
def bills(month: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubBills]:
    with StubBills(cells=month.bill.cells, page_days=7) as stub:
        for name, value in stub.environment().items():
            monkeypatch.setenv(name, value)
        yield stub


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["reconcile", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def assert_causes(document: dict[str, Any], month: Faulty) -> None:
    found = {each["cause"]: Decimal(each["amount_usd"]) for each in document["causes"]}
    assert sum(found.values()) == Decimal(document["drift_usd"])
    assert Decimal(document["drift_usd"]) == Decimal(document["billed_usd"]) - Decimal(document["ledger_usd"])
    for cause, pico in month.injected.items():
        assert abs(found.pop(cause) - usd_from_pico(pico)) <= abs(usd_from_pico(pico)) / 100
    assert sum(map(abs, found.values())) <= Decimal(document["billed_usd"]) / 1000


def test_each_cause_is_found_in_a_folder_and_the_exit_code_says_drift(
    month: Faulty, ledger: Path, bills: StubBills, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = said(capsys, "openai", *MONTH, "--data", str(ledger))
    assert (code, document["state"]) == (1, "drift")
    assert_causes(document, month)
    assert [each["project"] for each in document["unseen"]] == ["shadow"]
    again = said(capsys, "openai", *MONTH, "--data", str(ledger))
    assert again == (1, document)
    assert said(capsys, "--show", document["id"], "--data", str(ledger)) == (1, document)
    _, listed = said(capsys, "--list", "--data", str(ledger))
    assert [each["id"] for each in listed["reconciliations"]] == [document["id"]]
    assert listed["configured"] == [{"provider": "openai", "key_env": "OPENAI_ADMIN_KEY", "has_key": True}]


def test_the_report_shows_the_way_from_the_ledger_to_the_bill(
    ledger: Path, bills: StubBills, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reconcile", "openai", *MONTH, "--data", str(ledger)]) == 1
    text = capsys.readouterr().out
    assert text.startswith("openai 2026-10: bill $")
    steps = [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.strip()[-1].isdigit()]
    shown = [step for step in steps if step in (*FAULTS, "ledger", "bill")]
    assert shown == ["ledger", "not_instrumented", "cache_split", "tier_mix", "price_table", "tool_fees", "bill"]
    assert "shadow key_shadow" in text
    assert "costspan reprice --dry-run --since 2026-10-01" in text


def test_the_proposed_prices_take_the_price_table_out_of_the_drift(
    ledger: Path, bills: StubBills, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    patch = tmp_path / "prices.yaml"
    main(["reconcile", "openai", *MONTH, "--data", str(ledger), "--patch", str(patch)])
    capsys.readouterr()
    text = patch.read_text(encoding="utf-8")
    assert 'model: "gpt-5-mini"' in text
    assert 'input: "0.25"' in text
    assert 'output: "2"' in text
    write_settings(ledger, text)
    try:
        assert main(["reprice", "--dry-run", "--data", str(ledger), "--json"]) == 0
        plan = json.loads(capsys.readouterr().out)
        _, document = said(capsys, "openai", *MONTH, "--data", str(ledger))
        [wrong] = [each for each in document["causes"] if each["cause"] == "price_table"]
        change = sum(Decimal(each["difference_usd"]) for each in plan["rows"] if each["month"] == "2026-10")
        assert abs(change - Decimal(wrong["amount_usd"])) < abs(change) / 1000
    finally:
        write_settings(ledger)


def test_without_a_key_it_says_what_to_set_and_ends_with_three(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    monkeypatch.delenv("OPENAI_ADMIN_KEY_FILE", raising=False)
    assert main(["reconcile", "openai", *MONTH, "--data", str(ledger)]) == 3
    assert "not configured: set OPENAI_ADMIN_KEY" in capsys.readouterr().err
    assert main(["reconcile", "--data", str(ledger)]) == 2


def test_a_key_that_is_refused_ends_with_three(
    ledger: Path, bills: StubBills, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-proj-wrong-kind")
    assert main(["reconcile", "openai", "--month", "2026-09", "--data", str(ledger)]) == 3
    text = capsys.readouterr().err
    assert "refuses the key" in text
    assert "wrong-kind" not in text


def test_the_key_can_be_in_a_file(
    ledger: Path, bills: StubBills, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key"
    file.write_text("sk-admin-stub\n", encoding="utf-8")
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    monkeypatch.setenv("OPENAI_ADMIN_KEY_FILE", str(file))
    assert said(capsys, "openai", *MONTH, "--data", str(ledger), "--limit", "0.9")[0] == 0


def focus_rows(month: Faulty) -> Iterator[dict[str, str]]:
    """Yield the bill as a FOCUS export says it: quantity and amount on one line, and a tax beside."""
    used = {
        (cell.day, cell.project, cell.model, cell.mode, cell.unit): cell.quantity
        for cell in month.bill.cells
        if cell.kind is Kind.USAGE
    }
    for cell in month.bill.cells:
        if cell.kind is Kind.USAGE or cell.billed_amount is None:
            continue
        quantity = used.get((cell.day, cell.project, cell.model, cell.mode, cell.unit))
        details = {"x_Model": cell.model, "x_TokenType": cell.unit, "x_ServiceTier": cell.mode}
        amount = f"{usd_from_pico(cell.billed_amount):f}"
        yield {
            "ChargePeriodStart": f"{cell.day}T00:00:00Z",
            "ChargeCategory": "Usage",
            "SubAccountId": cell.project or "",
            "x_ApiKeyId": cell.api_key or "",
            "ChargeDescription": cell.line_item or "tokens",
            "SkuPriceDetails": json.dumps(details) if cell.model else "",
            "ConsumedQuantity": "" if quantity is None else str(quantity),
            "ConsumedUnit": "Tokens",
            "BilledCost": amount,
            "BillingCurrency": "USD",
        }


def written(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_focus_file_is_a_bill(
    month: Faulty, ledger: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(focus_rows(month))
    rows.append({**rows[0], "ChargeCategory": "Tax", "BilledCost": "7.5", "ChargeDescription": "VAT"})
    file = written(tmp_path / "focus.csv", rows)
    if suffix == "parquet":
        target = tmp_path / "focus.parquet"
        duckdb.sql(f"COPY (SELECT * FROM read_csv('{file}', all_varchar = true)) TO '{target}'")
        file = target
    _, document = said(capsys, "openai", *MONTH, "--data", str(ledger), "--bill", str(file))
    assert_causes(document, month)
    assert document["source"] == "file"
    assert document["apart"] == [{"line_item": "VAT", "billed_usd": "7.5"}]
    assert document["unmapped"] == []


def test_a_bill_of_amounts_alone_is_blamed_on_nothing_but_its_want_of_quantities(
    month: Faulty, ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "ConsumedQuantity": ""} for row in focus_rows(month)]
    file = written(tmp_path / "amounts.csv", rows)
    code, document = said(capsys, "openai", *MONTH, "--data", str(ledger), "--bill", str(file))
    found = {each["cause"]: each for each in document["causes"]}
    assert found.keys() == {"not_instrumented", "no_quantities", "tool_fees"}
    assert sum(Decimal(each["amount_usd"]) for each in found.values()) == Decimal(document["drift_usd"])
    assert "without the quantities" in found["no_quantities"]["meaning"]
    unexplained = sum(abs(Decimal(each["amount_usd"])) for each in found["no_quantities"]["parts"])
    assert Decimal(document["unexplained_usd"]) == unexplained > 0
    assert (code, document["state"]) == (1, "drift")


def test_a_file_that_is_no_bill_is_refused_with_what_is_known(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    assert main(["reconcile", "openai", *MONTH, "--data", str(ledger), "--bill", str(file)]) == 2
    assert "focus has ChargePeriodStart" in capsys.readouterr().err


@pytest.fixture(params=["file", pytest.param("clickhouse", marks=needs_clickhouse)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, tuple[str, ...]]:
    """A ledger, and what names it to a server."""
    if request.param == "file":
        return DuckDBStore(tmp_path), ()
    from costspan.server.store.clickhouse.connection import parse_target
    from costspan.server.store.clickhouse.store import ClickHouseStore

    url = request.getfixturevalue("node").url()
    return ClickHouseStore(parse_target(url)), ("--store", url)


def test_a_server_keeps_the_bill_and_the_verdict_and_shows_them(
    opened: tuple[Store, tuple[str, ...]],
    month: Faulty,
    tmp_path: Path,
    bills: StubBills,
    capsys: pytest.CaptureFixture[str],
) -> None:
    entries = list(entries_of(month))
    store, named = opened
    store.commit(Posting(Batch([entry.call for entry in entries]), (), entries))
    store.close()
    write_settings(tmp_path)
    config = str(tmp_path / "costspan.yaml")
    server = Server(tmp_path, "--config", config, *named, OPENAI_ADMIN_KEY="")
    try:
        code, document = said(capsys, "openai", *MONTH, "--url", f"http://{server.url}", "--config", config)
        assert code == 1
        assert_causes(document, month)
        listed = server.get("/api/v1/reconciliations").document
        assert [each["id"] for each in listed["reconciliations"]] == [document["id"]]
        assert server.get(f"/api/v1/reconciliations/{document['id']}").document == document
        assert server.get("/api/v1/reconciliations/nothing").status == 404
        asked = len(bills.asked)
        assert said(capsys, "openai", *MONTH, "--url", f"http://{server.url}", "--config", config) == (1, document)
        assert len(bills.asked) == asked, "a month that is settled was asked for again"
    finally:
        server.stop()


def test_an_alert_watches_the_drift_of_each_bill(
    ledger: Path, bills: StubBills, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(ledger, tmp_path / "ledger")
    with (folder / "costspan.yaml").open("a", encoding="utf-8") as settings:
        settings.write("alerts:\n  - {name: bill, measure: drift, above: 5%, every: 1h}\n")
    assert said(capsys, "openai", *MONTH, "--data", str(folder))[0] == 1

    code = main(["alerts", "check", "--json", "--data", str(folder)])
    document = json.loads(capsys.readouterr().out)

    assert (code, document["firing"]) == (1, 1)
    [alert] = document["alerts"]
    assert alert["group"] == {"provider": "openai"}
    assert "difference from the bill, either way, of openai in 2026-10" in alert["text"]
    assert "most of it is" in " ".join(alert["reasons"])
