"""What is kept of bills and verdicts, by both stores; the monthly round; and what costspan.yaml says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clickhouse_node import needs_clickhouse
from costspan.core.errors import ConfigError, UsageError
from costspan.core.period import Period
from costspan.server.config import read_settings
from costspan.server.reconciliation.reconciler import Reconciler, latest_drift
from costspan.server.reconciliation.schedule import Bookkeeper, last_settled_month
from costspan.server.reconciliation.settings import BillSettings
from costspan.server.reconciliation.sources.base import packed, unpacked
from costspan.server.store.duckdb.reconciliations import DuckDBReconciliations
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch, Posting
from costspan.server.store.memory import MemoryStore
from costspan.server.store.memory_reconciliations import MemoryReconciliations
from costspan.server.store.reconciliations import Reconciliation, ReconciliationLog, Sheet
from costspan.testing.bill_month import OCTOBER, entries_of, faulty_month
from costspan.testing.stub_bills import StubBills

AT = datetime(2026, 11, 5, 3, tzinfo=UTC)
SHEET = Sheet(
    provider="openai", source="api", report="costs", period=OCTOBER, fetched_at=AT, body=packed([{"a": "1.5"}])
)


@pytest.fixture(params=["memory", "duckdb", pytest.param("clickhouse", marks=needs_clickhouse)])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReconciliationLog]:
    if request.param == "memory":
        yield MemoryReconciliations()
        return
    if request.param == "clickhouse":
        from costspan.server.store.clickhouse.connection import parse_target
        from costspan.server.store.clickhouse.reconciliations import ClickHouseReconciliations
        from costspan.server.store.clickhouse.store import ClickHouseStore

        on_server = ClickHouseStore(parse_target(request.getfixturevalue("node").url()))
        yield ClickHouseReconciliations(on_server)
        on_server.close()
        return
    store = DuckDBStore(tmp_path)
    yield DuckDBReconciliations(store)
    store.close()


def test_a_sheet_read_again_unchanged_keeps_its_pages_and_says_when_it_was_read(log: ReconciliationLog) -> None:
    later, changed = AT + timedelta(days=1), packed([{"a": "2"}])
    log.put_sheet(SHEET)
    log.put_sheet(replace(SHEET, fetched_at=later))
    [kept] = log.sheets("openai", OCTOBER)
    assert (kept.fetched_at, unpacked(kept)) == (later, [{"a": "1.5"}])
    log.put_sheet(replace(SHEET, fetched_at=later, body=changed))
    assert [unpacked(each) for each in log.sheets("openai", OCTOBER)] == [[{"a": "2"}]]
    log.put_sheet(replace(SHEET, fetched_at=later + timedelta(days=1)))
    assert [unpacked(each) for each in log.sheets("openai", OCTOBER)] == [[{"a": "1.5"}]]


def test_sheets_are_of_one_provider_and_the_days_that_are_asked_for(log: ReconciliationLog) -> None:
    before = Period(OCTOBER.since - timedelta(days=30), OCTOBER.since)
    log.put_sheet(SHEET)
    log.put_sheet(replace(SHEET, provider="anthropic"))
    log.put_sheet(replace(SHEET, period=before))
    assert [mark.period for mark in log.sheet_marks("openai", OCTOBER)] == [OCTOBER]
    assert [mark.period for mark in log.sheet_marks("openai", before)] == [before]
    assert log.sheet_marks("nobody", OCTOBER) == []


def test_verdicts_come_the_latest_first_and_by_their_id(log: ReconciliationLog) -> None:
    first = Reconciliation(
        reconciliation_id="a1", provider="openai", period=OCTOBER, made_at=AT, state="drift", net_share=-0.07,
        gross_share=0.2, unexplained_share=None, limit=0.05, digest="d", document={"id": "a1", "causes": []},
    )  # fmt: skip
    second = replace(first, reconciliation_id="b2", provider="anthropic", made_at=AT + timedelta(days=1), state="ok")
    log.put_reconciliation(first)
    log.put_reconciliation(second)
    assert log.reconciliations() == [second, first]
    assert log.reconciliations("openai") == [first]
    assert log.reconciliation("b2") == second
    assert log.reconciliation("c3") is None
    assert [(each.provider, each.is_beyond) for each in latest_drift(log)] == [("anthropic", False), ("openai", True)]


def test_each_night_the_last_settled_month_is_reconciled_once(
    log: ReconciliationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = faulty_month(["tool_fees"])
    store, now = MemoryStore(), [datetime(2026, 11, 3, 23, tzinfo=UTC)]
    entries = list(entries_of(month))
    store.commit(Posting(Batch([entry.call for entry in entries]), (), entries))
    settings = BillSettings(provider="openai")
    reconciler = Reconciler(store, log, lambda: month.card, lambda: [settings], lambda: now[0])
    bookkeeper = Bookkeeper(reconciler, lambda: now[0])
    with StubBills(cells=month.bill.cells, page_days=31) as stub:
        for name, value in stub.environment().items():
            monkeypatch.setenv(name, value)
        now[0] = AT
        stub.refusals = [401]
        assert bookkeeper.round() == 0, "a key that is refused is tried again the next night"
        assert bookkeeper.round() == 1
        asked = len(stub.asked)
        assert bookkeeper.round() == 0
        assert len(stub.asked) == asked
    [verdict] = reconciler.all()
    assert (verdict.period, verdict.state) == (OCTOBER, "drift")
    [reading] = latest_drift(log)
    assert reading.is_beyond
    assert reading.net_share is not None
    assert reading.net_share > 0.05


def test_a_changed_bill_makes_a_new_verdict_and_an_unchanged_one_none(log: ReconciliationLog) -> None:
    month = faulty_month(())
    reconciler = Reconciler(MemoryStore(), log, lambda: month.card, list, lambda: AT)
    with pytest.raises(UsageError, match="nothing of openai's bill"):
        reconciler.judge("openai", OCTOBER)
    row = {"object": "organization.costs.result", "line_item": "gpt-5, input", "amount": {"value": "2.5"}}
    bucket = {"start_time": int(OCTOBER.since.timestamp()), "results": [row]}
    log.put_sheet(replace(SHEET, body=packed([{"data": [bucket]}])))
    first = reconciler.judge("openai", OCTOBER)
    assert first.document["billed_usd"] == "2.5"
    assert reconciler.judge("openai", OCTOBER) == first
    bucket["results"] = [{**row, "amount": {"value": "2.75"}}]
    log.put_sheet(replace(SHEET, body=packed([{"data": [bucket]}])))
    second = reconciler.judge("openai", OCTOBER)
    assert second.document["billed_usd"] == "2.75"
    assert [each.reconciliation_id for each in reconciler.all()] == [
        each.reconciliation_id
        for each in sorted((first, second), key=lambda each: (each.made_at, each.reconciliation_id), reverse=True)
    ]


def test_a_month_is_settled_three_days_after_its_end() -> None:
    settle = timedelta(hours=72)
    assert last_settled_month(datetime(2026, 11, 4, tzinfo=UTC), settle) == OCTOBER
    assert last_settled_month(datetime(2026, 11, 3, 23, tzinfo=UTC), settle).until == OCTOBER.since


def test_costspan_yaml_says_whose_bills_are_compared_and_how(tmp_path: Path) -> None:
    file = tmp_path / "costspan.yaml"
    file.write_text(
        "reconcile:\n"
        "  - {provider: openai, project_by: tag.project, projects: {proj_1: web}, limit: 0.1, settle: 96h}\n"
        "  - {provider: aws, models: {Nova: amazon.nova-pro-v1}}\n",
        encoding="utf-8",
    )
    openai, aws = read_settings(file).reconcile
    assert (openai.key_env, openai.scopes.by, openai.scopes.names) == (
        "OPENAI_ADMIN_KEY",
        "tag.project",
        {"proj_1": "web"},
    )
    assert (openai.limit, openai.settle) == (0.1, timedelta(hours=96))
    assert (aws.key_env, aws.models) == (None, {"Nova": "amazon.nova-pro-v1"})


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ("{provider: openai, key: sk-admin-x}", "unknown key 'key'"),
        ("{provider: openai, key_env: sk-admin-x}", "the name of the environment variable"),
        ("{provider: openai, limit: 5}", "a share of the bill between 0 and 1"),
        ("{provider: openai, project_by: whim}", "project_by: unknown key 'whim'"),
        ("{provider: openai, settle: soon}", "settle: hours, as in 72h"),
        ("{limit: 0.1}", "provider: whose bill"),
        ("[openai]", "a mapping with provider:"),
    ],
)
def test_what_is_wrong_in_costspan_yaml_is_named(tmp_path: Path, entry: str, named: str) -> None:
    file = tmp_path / "costspan.yaml"
    file.write_text(f"reconcile:\n  - {entry}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=named):
        read_settings(file)


def test_a_page_of_an_unknown_form_is_named_and_ends_nothing(log: ReconciliationLog) -> None:
    reconciler = Reconciler(MemoryStore(), log, lambda: faulty_month(()).card, list, lambda: AT)
    for page in ([1], [{"data": [7]}], [{"data": [{"start_time": 1790812800, "results": [{"object": []}]}]}]):
        log.put_sheet(replace(SHEET, body=packed(page)))
        with pytest.raises(UsageError, match="openai's report costs has a form that is not known"):
            reconciler.judge("openai", OCTOBER)
