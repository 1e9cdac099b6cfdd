"""`costspan report` against a server that answers as the API does."""

from __future__ import annotations

import json

import pytest
from spend_documents import spend_document, spend_row

from costspan.cli.main import main

O3 = spend_row(
    model="o3", cost_usd="1234.567890123456", calls=10, billed_calls=8, errors=2, input_tokens=5_000, output_tokens=700
)
UNKNOWN = spend_row(model="acme-internal-70b", calls=3, unpriced_calls=3, input_tokens=90)
TOTAL = spend_row(
    cost_usd="1234.567890123456",
    calls=13,
    billed_calls=8,
    errors=2,
    unpriced_calls=3,
    input_tokens=5_090,
    output_tokens=700,
)


def test_the_table_shows_figures_total_and_what_is_not_in_them(stub_server, capsys) -> None:
    stub_server.spend = spend_document([O3, UNKNOWN], TOTAL)
    stub_server.spend["completeness"] |= {"unpriced_tokens": 90}

    assert main(["report", "--url", stub_server.url]) == 0

    assert capsys.readouterr().out == (
        "Model                Cost  Calls  Input  Cache read  Output  Errors  Unpriced\n"
        "-----------------  ------  -----  -----  ----------  ------  ------  --------\n"
        "o3                 $1,235     10  5,000           0     700       2         0\n"
        "acme-internal-70b       –      3     90           0       0       0         3\n"
        "Total              $1,235     13  5,090           0     700       2         3\n"
        "\n"
        "2026-11-01 to 2026-11-20, UTC. Incomplete: 3 of 11 calls (90 tokens) have no price or no usage and are not in"
        " the cost; costspan doctor says which.\n"
    )


def test_json_is_the_document_as_received(stub_server, capsys) -> None:
    stub_server.spend = spend_document([O3], TOTAL)

    assert main(["report", "--json", "--url", stub_server.url]) == 0
    assert json.loads(capsys.readouterr().out) == stub_server.spend


def test_options_become_the_question(stub_server) -> None:
    stub_server.spend = spend_document([O3], TOTAL)
    words = "report daily --by feature,team --limit 5 --since 2026-10 --where team:search --where env:prod"

    assert main([*words.split(), "--url", stub_server.url]) == 0
    assert stub_server.asked == [
        (
            "/api/v1/spend",
            [
                ("group_by", "feature,team"),
                ("interval", "1d"),
                ("limit", "5"),
                ("since", "2026-10-01T00:00:00Z"),
                ("until", "2026-11-01T00:00:00Z"),
                ("filter", "team:search"),
                ("filter", "env:prod"),
            ],
        )
    ]


def _days(*figures: tuple[str, str | None, int]) -> list[dict[str, object]]:
    return [spend_row(start=f"{day}T00:00:00Z", model="o3", cost_usd=cost, calls=calls) for day, cost, calls in figures]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("weekly", [("2026-10-26", "0.000000000003", 3), ("2026-11-02", "5.5", 7), ("2026-11-09", None, 1)]),
        ("monthly", [("2026-10-01", "0.000000000001", 1), ("2026-11-01", "5.500000000002", 10)]),
    ],
)
def test_weeks_and_months_are_exact_sums_of_days(stub_server, capsys, interval, expected) -> None:
    days = _days(
        ("2026-10-31", "0.000000000001", 1),
        ("2026-11-01", "0.000000000002", 2),
        ("2026-11-02", "5.5", 3),
        ("2026-11-08", None, 4),
        ("2026-11-09", None, 1),
    )
    stub_server.spend = spend_document(days, TOTAL, interval="1d")

    assert main(["report", interval, "--json", "--url", stub_server.url]) == 0

    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["start"][:10], row["cost_usd"], row["calls"]) for row in rows] == expected
    assert all(row["latency_ms"] is None for row in rows)


def test_an_empty_ledger_says_what_to_do(stub_server, capsys) -> None:
    stub_server.spend = spend_document([], spend_row())

    assert main(["report", "--url", stub_server.url]) == 0

    out = capsys.readouterr().out
    assert out.startswith(f"No calls between 2026-11-01T00:00:00Z and 2026-11-20T00:00:00Z in {stub_server.url}.")
    assert "costspan demo" in out


@pytest.mark.parametrize("words", [["--since", "yesterday-ish"], ["--where", "team"], ["--since", "2026-13"]])
def test_a_question_that_makes_no_sense_is_wrong_usage(stub_server, capsys, words) -> None:
    assert main(["report", "--url", stub_server.url, *words]) == 2
    assert capsys.readouterr().err.startswith("costspan: ")


def test_a_refused_question_is_wrong_usage_in_the_servers_words(stub_server, capsys) -> None:
    stub_server.spend = {"status": 400, "detail": "unknown group key 'colour'; known: model, feature"}

    assert main(["report", "--by", "colour", "--url", stub_server.url]) == 2
    assert capsys.readouterr().err == "costspan: unknown group key 'colour'; known: model, feature\n"


def test_without_server_and_folder_it_cannot_be_answered(capsys) -> None:
    assert main(["report"]) == 3
    assert "costspan serve" in capsys.readouterr().err


def test_another_server_on_the_port_is_not_asked(stub_server, capsys) -> None:
    stub_server.service = "something else"

    assert main(["report", "--url", stub_server.url]) == 3
    assert stub_server.asked == []
    assert f"no costspan server answers at {stub_server.url}" in capsys.readouterr().err


def test_the_usual_address_comes_from_the_environment(stub_server, monkeypatch) -> None:
    stub_server.spend = spend_document([O3], TOTAL)
    monkeypatch.setenv("COSTSPAN_URL", stub_server.url)

    assert main(["report"]) == 0
    assert len(stub_server.asked) == 1


def test_a_named_folder_is_read_even_while_a_server_runs(stub_server, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COSTSPAN_URL", stub_server.url)

    assert main(["report", "--data", "nowhere"]) == 3
    assert stub_server.asked == []
    assert "nowhere" in capsys.readouterr().err
