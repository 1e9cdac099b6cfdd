"""What leaves a program for every way of calling OpenAI, compared with golden files, and priced alike by our server."""

from __future__ import annotations

from decimal import Decimal

import pytest
from golden import Captured, Golden, capture, server_costs
from golden_modes_openai import MODES

from serving import Server

NAMES = [mode.__name__ for mode in MODES]


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    return capture("golden_modes_openai", tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", NAMES)
def test_a_mode_s_spans_are_those_of_the_golden_file(captured: Captured, golden: Golden, name: str) -> None:
    golden.check("openai", name, captured.mode(name))


def test_the_metrics_of_all_modes_are_those_of_the_golden_file(captured: Captured, golden: Golden) -> None:
    golden.check("openai", "metrics", captured.points())


def test_the_server_makes_the_same_cost_of_the_same_bytes(captured: Captured, shared_server: Server) -> None:
    costs = captured.costs()
    assert server_costs(shared_server, captured) == costs
    # The metrics tell of the same tokens, and count beside no span.
    assert captured.points()
    total = shared_server.spend()["total"]
    assert Decimal(total["cost_usd"]) == sum(filter(None, costs.values()))
    assert total["calls"] == len(costs)
