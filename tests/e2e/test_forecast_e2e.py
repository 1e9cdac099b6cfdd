"""The forecast over HTTP, from a folder and on the command line: the same answer, which says what it adds up."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from past_traffic import body, call_at, midnight, past_days

from costspan.cli.main import main
from serving import Server


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory):
    """A server with 20 days of one feature, 5 days of another, and a call without a price."""
    server = Server(tmp_path_factory.mktemp("forecast") / "data")
    server.send(body(past_days(20, cents=50, feature="old", team="docs")))
    server.send(body(past_days(5, cents=10, first_number=1000, feature="new", team="docs")))
    server.send(body(iter([call_at(5000, midnight(), feature="old", model="acme-70b")])))
    yield server
    server.kill()


def asked(server: Server, query: str = "") -> dict:
    answer = server.get(f"/api/v1/forecast?{query}")
    assert answer.status == 200, answer.body
    return answer.document


def test_a_month_is_what_was_spent_and_a_dollar_for_each_day_to_come(history: Server) -> None:
    said = asked(history, f"filter={quote('feature:old')}")
    total = said["total"]
    spent, expected = Decimal(total["spent_usd"]), {k: Decimal(v) for k, v in total["forecast_usd"].items()}
    whole_days_left = sum(day["spent_usd"] is None for day in total["days"])
    assert expected["p10"] <= expected["p50"] <= expected["p90"]
    rest = expected["p50"] - spent - whole_days_left
    assert 0 <= rest <= Decimal("1.01"), total["explanation"]
    assert f"${spent:.2f} spent" in total["explanation"] or not spent
    assert said["since"][8:10] == said["until"][8:10] == "01"
    assert said["completeness"]["unpriced_calls"] == total["unpriced_calls"] == 1


def test_a_feature_too_young_for_a_forecast_says_so_beside_one_that_has_it(history: Server) -> None:
    rows = {row["feature"]: row for row in asked(history, "group_by=feature&period=30d")["rows"]}
    assert rows["old"]["forecast_usd"] is not None
    assert rows["new"]["forecast_usd"] is None
    assert rows["new"]["explanation"] == "no forecast: 4 whole days of history; a forecast needs 14"


def test_days_that_roll_are_looked_at_a_week_ahead(history: Server) -> None:
    said = asked(history, f"period=10d&filter={quote('feature:old')}")
    # A dollar a day, ten days of it, whenever it is asked; the day under way is the only one that is not known.
    assert Decimal(said["total"]["forecast_usd"]["p50"]) == pytest.approx(Decimal(10), abs=Decimal("1.6"))


@pytest.mark.parametrize("words", [["--by", "feature"], ["--period", "week", "--where", "feature:old"]])
def test_the_command_line_prints_the_range_and_what_it_adds_up(
    history: Server, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["forecast", "--url", f"http://{history.url}", *words]) == 0
    text = capsys.readouterr().out
    assert "spent + $" in text
    assert "for the rest of today" in text
    assert "Incomplete: 1 of" in text
    assert main(["forecast", "--json", "--url", f"http://{history.url}", *words]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["forecast_usd"]


def test_a_zone_has_its_own_month(history: Server) -> None:
    said = asked(history, "tz=America/New_York")
    assert said["since"].endswith(("T04:00:00Z", "T05:00:00Z"))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("period=quarter", "period 'quarter' is not month, week, day"),
        ("since=7d", "unknown parameter 'since'; known: period, tz, group_by, filter, limit"),
        ("limit=0", "limit '0' is not a whole number from 1 to 100"),
        ("group_by=colour", "unknown key 'colour'"),
        ("tz=Mars", "unknown time zone 'Mars'"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(history: Server, query: str, says: str) -> None:
    answer = history.get(f"/api/v1/forecast?{query}")
    assert answer.status == 400
    assert says in answer.document["detail"]


def test_a_folder_answers_without_a_server_and_an_empty_one_says_why(
    start_server: Callable[..., Server], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server = start_server()
    server.stop()
    assert main(["forecast", "--data", str(server.data)]) == 0
    assert "no forecast: 0 whole days of history; a forecast needs 14" in capsys.readouterr().out


def test_growth_is_beside_the_period_before_and_its_drivers_add_up(history: Server) -> None:
    said = history.get("/api/v1/growth?since=5d").document
    assert {row["feature"] for row in said["rows"]} == {"old", "new"}
    for row in (*said["rows"], said["total"]):
        assert sum(map(Decimal, row["drivers"].values())) == Decimal(row["change_usd"])
        assert Decimal(row["cost_usd"]) - Decimal(row["before_usd"]) == Decimal(row["change_usd"])
    assert said["compared_with"]["until"] == said["since"]


@pytest.mark.parametrize("query", ["limit=21", "since=0001-01-01", "order=cost", "group_by=colour"])
def test_growth_that_makes_no_sense_is_refused(history: Server, query: str) -> None:
    assert history.get(f"/api/v1/growth?{query}").status == 400
