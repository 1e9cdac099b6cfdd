"""The node of the tests is ClickHouse as its own client knows it, and keeps what it acknowledged when it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clickhouse_node import needs_engine, own_node

pytestmark = needs_engine
TABLE = (
    "CREATE TABLE kept (n UInt64, said Nullable(String)) ENGINE = MergeTree ORDER BY n "
    "SETTINGS fsync_after_insert = 1, non_replicated_deduplication_window = 10"
)


@contextmanager
def client(data: Path) -> Iterator[Any]:
    """A client of a node over `data`, which is killed in the end."""
    import clickhouse_connect

    with own_node(data) as node:
        address = urlsplit(node.url())
        with clickhouse_connect.get_client(
            host=address.hostname, port=address.port, autogenerate_session_id=False
        ) as found:
            yield found


def test_what_was_inserted_is_there_after_the_node_was_killed(tmp_path: Path) -> None:
    rows = [(1, "x\0y'\\\t\n"), (2, None), (2**64 - 1, "日本")]
    with client(tmp_path) as node:
        node.command(TABLE)
        node.insert("kept", rows, column_names=["n", "said"])
    with client(tmp_path) as node:
        assert node.query("SELECT * FROM kept ORDER BY n").result_rows == rows


def test_values_of_any_text_and_length_are_bound(tmp_path: Path) -> None:
    texts = ["x\0y'\\\t\n?%s{a:String}", "日本", "x" * 50_000]
    with client(tmp_path) as node:
        found = node.query("SELECT {one:String}, {all:Array(String)}", parameters={"one": texts[0], "all": texts})
    assert [tuple(row) for row in found.result_rows] == [(texts[0], texts)]


def test_a_setting_ends_with_its_statement(tmp_path: Path) -> None:
    with client(tmp_path) as node:
        node.command(TABLE)
        for token in ("a", "a", "b"):
            node.insert("kept", [(1, token)], settings={"insert_deduplication_token": token})
        node.insert("kept", [(1, "a")])
        assert node.command("SELECT count() FROM kept") == 3


def test_an_error_comes_with_its_code(tmp_path: Path) -> None:
    with client(tmp_path) as node, pytest.raises(Exception, match="UNKNOWN_TABLE") as refused:
        node.query("SELECT * FROM nowhere")
    assert refused.value.code == 60


def test_all_blocks_of_an_insert_are_kept(tmp_path: Path) -> None:
    rows = [(number, "x" * 1_000) for number in range(20_000)]
    with client(tmp_path) as node:
        node.command(TABLE)
        node.insert("kept", rows, column_names=["n", "said"])
        assert node.query("SELECT count(), sum(n) FROM kept").result_rows == [(20_000, sum(range(20_000)))]
