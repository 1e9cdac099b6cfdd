"""History priced otherwise: a range with its assumptions, exact where nothing is assumed; what caching did."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from past_traffic import body, call_at

from costspan.cli.main import main
from costspan.core.units import Unit
from costspan.core.usage import Usage
from serving import Server

MILLION = 1_000_000
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


def used(number: int, model: str, minute: float = 0, **said: Any) -> Any:
    """Return a call of `model` an hour ago that used what `said` names as units."""
    units = {Unit(name): said.pop(name) for name in list(said) if name in set(Unit)}
    moment = AN_HOUR_AGO + timedelta(minutes=minute)
    return call_at(number, moment, model=model, usage=Usage(units), **said)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory):
    """A server with calls of two vendors, one of a model without a price, one streamed, and a conversation."""
    server = Server(tmp_path_factory.mktemp("whatif") / "data")
    server.send(
        body(
            iter(
                [
                    used(1, "gpt-4o", feature="chat", input=600_000, output=100_000),
                    used(2, "gpt-4o", feature="chat", input=400_000, cache_read=MILLION, output=7),
                    used(3, "gpt-4o", feature="search", input=MILLION, time_to_first_chunk_s=0.2),
                    used(4, "acme-70b", feature="chat", input=MILLION),
                    used(
                        5,
                        "claude-sonnet-4-6",
                        provider="anthropic",
                        feature="talk",
                        session="s",
                        input=10,
                        cache_write_5m=100_000,
                    ),
                    used(6, "claude-sonnet-4-6", 20, provider="anthropic", feature="talk", session="t", input=100_000),
                    used(7, "claude-sonnet-4-6", 21, provider="anthropic", feature="talk", session="t", input=150_000),
                ]
            )
        )
    )
    yield server
    server.kill()


def ask(server: Server, **parameters: Any) -> dict[str, Any]:
    answer = server.get(f"/api/v1/whatif?{urlencode({'since': '7d', **parameters}, doseq=True)}")
    assert answer.status == 200, answer.body
    return answer.document


def test_a_model_in_its_own_place_costs_what_it_did_to_the_last_digit(history: Server) -> None:
    said = ask(history, **{"from": "gpt-4o", "to": "gpt-4o", "to_provider": "openai"})
    # Input at 2.50, cached at 1.25, output at 10 US dollars a million.
    actual = Decimal(2) * Decimal("2.50") + Decimal("1.25") + Decimal(100007) * 10 / MILLION
    assert Decimal(said["total"]["actual_cost_usd"]) == actual
    assert said["total"]["alternative_cost_usd"] == dict.fromkeys(("low", "high"), said["total"]["actual_cost_usd"])
    assert said["total"]["changed_calls"] == 3


def test_a_model_of_another_vendor_is_a_range_as_wide_as_tokenizers_differ(history: Server) -> None:
    said = ask(history, **{"from": "gpt-4o", "to": "claude-sonnet-4-6", "to_provider": "anthropic"})
    # 3 and 15 dollars a million for input and output, 0.30 for cached input; rates of calls under 200,000 tokens do
    # not hold for these.
    usual = ask(history, **{"from": "gpt-4o", "to": "claude-sonnet-4-6", "to_provider": "anthropic", "tokens": "1"})[
        "total"
    ]["alternative_cost_usd"]
    other = said["total"]["alternative_cost_usd"]
    assert usual["low"] == usual["high"]
    assert Decimal(other["low"]) < Decimal(usual["low"]) < Decimal(other["high"])
    assert any("0.8 to 1.25 tokens for each one" in assumption for assumption in said["assumptions"])


def test_batch_is_half_and_what_was_streamed_may_not_have_waited(history: Server) -> None:
    said = ask(history, mode="batch", filter="model:gpt-4o")
    rows = {row["feature"]: row for row in said["rows"]}
    assert Decimal(rows["search"]["actual_cost_usd"]) == Decimal("2.5")
    assert rows["search"]["alternative_cost_usd"] == {"low": "1.25", "high": "2.5"}
    assert rows["chat"]["alternative_cost_usd"]["low"] == rows["chat"]["alternative_cost_usd"]["high"]
    assert Decimal(rows["chat"]["alternative_cost_usd"]["low"]) < Decimal(rows["chat"]["actual_cost_usd"])


def test_what_has_no_price_is_counted_apart_and_in_no_figure(history: Server) -> None:
    said = ask(history, mode="batch")
    chat = next(row for row in said["rows"] if row["feature"] == "chat")
    assert chat["unpriced"] == [{"reason": "no price today", "calls": 1}]
    assert said["total"]["unpriced_calls"] == 1
    assert said["completeness"]["unpriced_calls"] == 1
    assert "1 calls are in no figure: no price today" in said["assumptions"]


def test_caching_says_what_it_saved_what_it_missed_and_what_was_written_for_nothing(history: Server) -> None:
    said = ask(history, cache="1", group_by="model")
    rows = {row["model"]: row for row in said["rows"]}
    assert rows["gpt-4o"]["cache"]["saved_usd"] == "1.25"
    claude = rows["claude-sonnet-4-6"]
    # 100,000 tokens written at 3.75 a million instead of 3, and never read.
    assert claude["cache"]["write_premium_usd"] == claude["cache"]["not_earned_back_usd"] == "0.075"
    # The second call of the conversation repeats 100,000 tokens: read at 0.30 instead of 3, once written at 3.75.
    assert claude["cache"]["missed_usd"] == {"low": "0.195", "high": "0.195"}


def test_the_command_line_prints_the_range_and_what_it_takes_for_granted(
    history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    address = ["--url", f"http://{history.url}"]
    assert main(["whatif", "--from", "gpt-4o", "--to", "gpt-4o-mini", "--since", "7d", *address]) == 0
    text = capsys.readouterr().out
    assert "This takes for granted:\n* gpt-4o-mini counts" in text
    assert "-94%" in text
    assert main(["whatif", "--cache", "--json", "--since", "7d", *address]) == 0
    assert json.loads(capsys.readouterr().out)["change"]["cache"] is True


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("mode=batch&cache=1", "one change at a time: to (another model), mode (another mode) or cache=1"),
        ("to=gpt-4o", "name the model whose calls are meant: from"),
        ("from=gpt-4o&to=gpt-99", "to: no price list of openai has a model 'gpt-99'"),
        ("mode=turbo", "unknown mode 'turbo'; known: standard, batch, flex, priority"),
        ("from=a&to=gpt-4o&tokens=2-1", "tokens '2-1' is not a range of factors"),
        ("mode=batch&limit=3", "unknown parameter 'limit'"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_by_name(history: Server, query: str, says: str) -> None:
    answer = history.get(f"/api/v1/whatif?{query}")
    assert answer.status == 400
    assert says in answer.document["detail"]
