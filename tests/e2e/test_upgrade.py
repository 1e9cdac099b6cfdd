"""A ledger that the version before wrote is served by this one: the same figures, and what comes again is known.

`schema_5.duckdb.gz` is the file of the last server with schema 5 (6 was left out), which had received the calls 1 to 5
of `sent` and stopped.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from bodies import PLAIN_CALL, protobuf, span
from serving import Server

FILE = Path(__file__).parents[1] / "unit/store/fixtures/schema_5.duckdb.gz"
WHO = {**PLAIN_CALL, "feature": "search", "team": "core"}


def sent(*numbers: int) -> bytes:
    """Calls as the earlier server received them: 3 of an unknown model, 4 and 5 with one response id."""
    said = {
        3: {"gen_ai.request.model": "nobody-knows"},
        4: {"gen_ai.response.id": "r4"},
        5: {"gen_ai.response.id": "r4"},
    }
    return protobuf([span({**WHO, **said.get(number, {})}, number=number) for number in numbers])


@pytest.fixture
def upgraded(start_server: Callable[..., Server], tmp_path: Path) -> Server:
    """This version's server on the earlier one's folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/ledger.duckdb").write_bytes(gzip.decompress(FILE.read_bytes()))
    return start_server()


def test_the_figures_are_those_of_before(upgraded: Server) -> None:
    total = upgraded.spend()["total"]
    assert (total["cost_usd"], total["duplicate_cost_usd"]) == ("0.00063", "0.00021")
    assert (total["calls"], total["unpriced_calls"], total["duplicate_calls"]) == (4, 1, 1)
    [row] = upgraded.spend(group_by="feature,team")["rows"]
    assert (row["feature"], row["team"]) == ("search", "core")


def test_what_was_received_before_is_known_and_what_is_new_counts(upgraded: Server) -> None:
    assert upgraded.send(sent(1, 2, 3, 4, 5)).status == 200
    assert upgraded.spend()["total"]["cost_usd"] == "0.00063"
    assert upgraded.send(sent(6)).status == 200
    assert upgraded.spend()["total"]["cost_usd"] == "0.00084"


def test_it_adds_up_after_the_upgrade_and_after_another_start(
    upgraded: Server, start_server: Callable[..., Server]
) -> None:
    assert upgraded.stop() == 0
    again = start_server()
    found = again.request("POST", "/api/v1/verify", b"{}", Content_Type="application/json")
    assert found.status == 200
    assert found.document["findings"] == []
    assert again.spend()["total"]["cost_usd"] == "0.00063"
