"""What a question on ClickHouse reads: the days asked about, not all of the ledger. The engine itself keeps count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from ledgers import CARD, MODEL

from clickhouse_node import Node, needs_clickhouse
from costspan.core.period import Period
from costspan.server.pipeline.settlement import post
from costspan.server.store.calls import CallOrder, CallsQuestion
from costspan.server.store.clickhouse.connection import Connection, Target, parse_target
from costspan.server.store.clickhouse.reader import Reader
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.entry import Batch
from costspan.server.store.tools import ToolQuestion
from costspan.server.store.usage_history import UsageQuestion
from costspan.testing.spans.call import NOVEMBER_2026_NS, sample_call

pytestmark = needs_clickhouse
CALLS = 90_000
"""Three thousand a day, one in fifty taken back: a day is in two of the blocks of 8,192 rows that are read at once."""
A_DAY_TWICE = 5 * 8_192
"""Those of the entries of a day and of what took some back, with room for one."""
DAY = datetime(2026, 11, 12, tzinfo=UTC)
OF_A_DAY = Period(DAY, DAY + timedelta(days=1))
_A_MONTH = """INSERT INTO calls SELECT * EXCEPT number REPLACE (
started_at + toIntervalMillisecond(28800 * intDiv(number, 2)) AS started_at, 1000 + intDiv(number, 2) AS entry_id,
if(number % 2, -1, 1) AS sign, reinterpretAsFixedString(toUInt128(number + 1000)) AS key)
FROM (SELECT *, number FROM calls ARRAY JOIN arrayFilter(n -> n % 2 = 0 OR n % 100 = 1, range({rows})) AS number)"""


class Frugal(Connection):
    """A server that refuses a statement which would read more than a day takes."""

    def rows(self, query, values=None, *, settings=None, as_bytes=()):
        limited = {**(settings or {}), "max_rows_to_read": A_DAY_TWICE}
        return super().rows(query, values, settings=limited, as_bytes=as_bytes)


@pytest.fixture(scope="module")
def month(node: Node) -> Iterator[Target]:
    """A ledger of a month of calls."""
    target = parse_target(node.url())
    store = ClickHouseStore(target)
    post(store, Batch([sample_call(requested_model=MODEL, started_at_ns=NOVEMBER_2026_NS)]), CARD)
    store.connection.execute(_A_MONTH.format(rows=2 * CALLS))
    yield target
    store.close()


@pytest.mark.parametrize(
    "ask",
    [
        lambda reader: len(reader.calls(CallsQuestion(OF_A_DAY, limit=10)).rows),
        lambda reader: len(reader.calls(CallsQuestion(OF_A_DAY, order=CallOrder.COST, limit=10)).rows),
        lambda reader: sum(row.calls for row in reader.usage_history(UsageQuestion(OF_A_DAY))),
        lambda reader: len(reader.tool_traces(ToolQuestion(OF_A_DAY))),
    ],
    ids=["the latest calls", "the dearest calls", "usage", "tools"],
)
def test_a_question_about_a_day_reads_a_day(month: Target, ask: Callable[[Reader], int]) -> None:
    generous, frugal = Connection(month), Frugal(month)

    assert ask(Reader(frugal)) == ask(Reader(generous))
