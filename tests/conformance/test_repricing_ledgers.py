"""Re-pricing finds and posts the same to the last digit whichever engine keeps the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from clickhouse_node import Node, needs_clickhouse
from costspan.core.attribution import Attribution
from costspan.core.call import Call, Signal, UsageState
from costspan.core.clock import ns_from_utc
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import post
from costspan.server.store.duckdb.export import DuckDBTables
from costspan.server.store.duckdb.files import DuckDBFiles
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch
from costspan.server.store.export import Form, Stretch, Table, TableSource, Wanted
from costspan.server.store.ports import Store
from costspan.server.store.question import Filter, Interval, SpendQuestion
from costspan.server.store.repricing import RepricingLedger, Run, RunState, Scope
from costspan.testing.stores import EVER, assert_same, seeded

pytestmark = needs_clickhouse
BEFORE = load_rate_card()
AFTER = load_rate_card(
    [
        {"provider": "openai", "model": "gpt-5*", "multiply": "0.9", "from": "2026-03-01"},
        {"provider": "anthropic", "model": "claude-haiku-4-5", "input": "0.000001", "output": "3.3333333"},
        {"provider": "ollama", "model": "*", "free": True},
        {"provider": "openai", "model": "it's \\ new", "alias_of": "openai/gpt-5.4"},
    ]
)
NAMES = (
    ("openai", "gpt-5.4"),
    ("openai", "gpt-5-mini"),
    ("openai", "it's \\ new"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gcp.vertex_ai", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),
    ("ollama", "llama3"),
    (None, "gpt-5.4"),
    (None, ""),
)
CLOSED = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
CHUNK = 40
EVERYTHING = SpendQuestion(EVER, ("model", "price_status"), Interval.DAY)


class Ticking:
    """A clock that goes on a second at each look."""

    def __init__(self) -> None:
        self._seconds = count(1)

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=next(self._seconds))


@dataclass(frozen=True)
class Engine:
    """A ledger, its prices and its tables."""

    store: Store
    repricing: RepricingLedger
    tables: TableSource


def random_call(random: Random) -> Call:
    provider, model = random.choice(NAMES)
    started_at_ns = ns_from_utc(datetime(2026, 8, 20, tzinfo=UTC)) + random.randrange(90 * 86_400) * 10**9
    units = random.sample([Unit.INPUT, Unit.INPUT, Unit.OUTPUT, *Unit], random.choice((0, 2, 3, 5)))
    return Call(
        trace_id=f"{random.getrandbits(128) | 1:032x}",
        span_id=f"{random.getrandbits(64) | 1:016x}",
        parent_span_id=None,
        started_at_ns=started_at_ns,
        ended_at_ns=started_at_ns + 10**9,
        dialect="test",
        signal=random.choice((Signal.SPAN, Signal.SPAN, Signal.METRIC)),
        provider=provider,
        requested_model=model,
        response_model=random.choice((None, model, "gpt-5.4-2026-03-05", "")),
        mode=random.choice(("standard", "batch", "priority", "unheard-of")),
        usage=Usage({unit: random.choice((0, 1, 1_000, 300_000)) for unit in units}),
        usage_state=random.choice((UsageState.REPORTED, UsageState.REPORTED, *UsageState)),
        error_type=random.choice((None, None, None, "rate_limit")),
        trace_state=random.choice(("", "ot=th:8")),
        attribution=Attribution(team=random.choice(("a", "b", None)), tags=random.choice(({}, {"plan": "x"}))),
    )


@pytest.fixture
def engines(node: Node, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """Both engines with the same calls, priced by the list of before."""
    from costspan.server.store.clickhouse.connection import parse_target
    from costspan.server.store.clickhouse.export import ClickHouseTables
    from costspan.server.store.clickhouse.repricing import ClickHouseRepricing
    from costspan.server.store.clickhouse.store import ClickHouseStore

    in_file = DuckDBStore(tmp_path / "file", clock=Ticking())
    on_server = ClickHouseStore(parse_target(node.url()), clock=Ticking())
    random = seeded(4)
    batches = [Batch([random_call(random) for _ in range(60)]) for _ in range(3)]
    for store in (in_file, on_server):
        for batch in batches:
            post(store, batch, BEFORE)
    yield (
        Engine(in_file, DuckDBRepricing(in_file), DuckDBTables(in_file)),
        Engine(on_server, ClickHouseRepricing(on_server), ClickHouseTables(on_server, DuckDBFiles())),
    )
    for store in (in_file, on_server):
        store.close()


def run(state: RunState, run_id: str = "r1") -> Run:
    finished = None if state in (RunState.APPLYING, RunState.UNDOING) else NOW
    return Run(run_id=run_id, card_version=AFTER.version, scope="{}", state=state, started_at=NOW, finished_at=finished)


def apply(repricing: RepricingLedger, scope: Scope = Scope(), run_id: str = "r1", card: Any = AFTER) -> int:  # noqa: B008
    """Correct what differs in chunks, what is before October booked in November."""
    planned = repricing.plan(card, scope).entry_ids
    repricing.put_run(run(RunState.APPLYING, run_id))
    chunks = [planned[first : first + CHUNK] for first in range(0, len(planned), CHUNK)]
    corrected = sum(repricing.correct(run_id, card, chunk, CLOSED) for chunk in chunks)
    repricing.put_run(run(RunState.APPLIED, run_id))
    return corrected


def undo(repricing: RepricingLedger, run_id: str = "r1") -> int:
    repricing.put_run(run(RunState.UNDOING, run_id))
    restored = 0
    while done := repricing.undo(run_id, CHUNK, CLOSED):
        restored += done
    repricing.put_run(run(RunState.UNDONE, run_id))
    return restored


def postings(engine: Engine, folder: Path) -> list[list[tuple]]:
    """Return all that was ever posted, with what it was charged."""
    found = []
    for table in (Table.ENTRIES, Table.CHARGE_ENTRIES):
        file = folder / f"{len(list(folder.iterdir()))}.parquet"
        engine.tables.write(Wanted(table=table, stretch=Stretch(None, NOW + timedelta(days=1))), file, Form.PARQUET)
        with duckdb.connect() as connection:
            found.append(connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM '{file}' ORDER BY ALL").fetchall())
    return found


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(Period(datetime(2026, 9, 3, tzinfo=UTC), datetime(2026, 10, 4, tzinfo=UTC))),
        Scope(filters=(Filter("team", "a"), Filter("model", "gpt-5.4", excludes=True))),
    ],
    ids=["all", "a month", "filters"],
)
def test_a_look_finds_the_same(engines: tuple[Engine, Engine], scope: Scope) -> None:
    expected, found = (engine.repricing.plan(AFTER, scope) for engine in engines)

    assert len(expected.entry_ids) > 3
    assert found == expected


def test_prices_that_are_what_they_were_change_nothing(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        found = engine.repricing.plan(BEFORE, Scope())
        assert (found.examined, list(found.entry_ids)) == (180, [])


def test_what_has_no_price_is_told_the_same(engines: tuple[Engine, Engine]) -> None:
    expected, found = (engine.repricing.unpriced(EVER) for engine in engines)

    assert len(expected) > 3
    assert found == expected


def test_a_run_posts_the_same_and_closed_months_keep_theirs(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    september = SpendQuestion(Period(datetime(2026, 9, 1, tzinfo=UTC), CLOSED))
    before = [engine.store.spend(september).total.cost for engine in engines]
    corrected = [apply(engine.repricing) for engine in engines]

    assert corrected[0] == corrected[1] > CHUNK
    expected, found = (postings(engine, tmp_path / "tables") for engine in engines)
    assert found == expected
    assert [engine.store.spend(september).total.cost for engine in engines] == before
    assert_same(engines[1].store.spend(EVERYTHING), engines[0].store.spend(EVERYTHING))
    assert engines[1].repricing.runs() == engines[0].repricing.runs()
    assert list(engines[1].repricing.plan(AFTER, Scope()).entry_ids) == []


def test_undoing_restores_every_figure_and_posts_the_same(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    total = SpendQuestion(EVER, ("model", "price_status"))
    before = [engine.store.spend(total) for engine in engines]
    for engine in engines:
        apply(engine.repricing, Scope(filters=(Filter("team", "a"),)), "r1")
        apply(engine.repricing, Scope(), "r2")
        undo(engine.repricing, "r2")
        assert undo(engine.repricing, "r1") > 5
        assert undo(engine.repricing, "r1") == 0

    expected, found = (postings(engine, tmp_path / "tables") for engine in engines)
    assert found == expected
    assert engines[1].repricing.runs() == engines[0].repricing.runs()
    for engine, answer in zip(engines, before, strict=True):
        assert_same(engine.store.spend(total), answer)


def test_roll_ups_follow(engines: tuple[Engine, Engine]) -> None:
    from costspan.server.store.clickhouse.upkeep import ClickHouseUpkeep

    in_file, on_server = engines
    upkeep = ClickHouseUpkeep(on_server.store)
    upkeep.roll_up(1)
    for engine in engines:
        apply(engine.repricing)
    assert_same(on_server.store.spend(EVERYTHING), in_file.store.spend(EVERYTHING))
    upkeep.roll_up(1)
    assert upkeep.waiting() == 0
    assert_same(on_server.store.spend(EVERYTHING), in_file.store.spend(EVERYTHING))
    assert list(upkeep.verify(lambda _: None).findings) == []
