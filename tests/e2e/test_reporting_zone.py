"""`tz` of the API: days as the reader's clocks have them."""

from __future__ import annotations

from datetime import datetime

import pytest

from bodies import PLAIN_CALL, protobuf, span
from serving import Server

TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
CHANGE = "since=2026-10-24T00:00:00Z&until=2026-10-27T00:00:00Z"


def ns(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * 10**9


@pytest.fixture(scope="module")
def filled(shared_server: Server) -> Server:
    """Calls and a tool's uses in the last and first minutes of the 25 hours that Berlin's 25th of October had."""
    moments = ("2026-10-24T21:59", "2026-10-24T22:00", "2026-10-25T22:59", "2026-10-25T23:00")
    for moment in moments:
        times = {"start_time_unix_nano": ns(moment), "end_time_unix_nano": ns(moment) + 10**9}
        assert shared_server.send(protobuf([span(PLAIN_CALL, **times), span(TOOL, **times)])).status == 200
    return shared_server


def days(server: Server, path: str, tz: str) -> dict[str, int]:
    answer = server.get(f"/api/v1/{path}?{CHANGE}&interval=1d{tz}")
    assert answer.status == 200, answer.body
    return {row["start"]: row["calls"] for row in answer.document["rows"]}


@pytest.mark.parametrize("path", ["spend", "tools"])
def test_days_are_those_of_the_zone(filled: Server, path: str) -> None:
    berlin = {"2026-10-23T22:00:00Z": 1, "2026-10-24T22:00:00Z": 2, "2026-10-25T23:00:00Z": 1}
    assert days(filled, path, "&tz=Europe/Berlin") == berlin
    assert days(filled, path, "") == {"2026-10-24T00:00:00Z": 2, "2026-10-25T00:00:00Z": 2}
    assert days(filled, path, "&tz=Asia/Kathmandu") == {"2026-10-24T18:15:00Z": 2, "2026-10-25T18:15:00Z": 2}


def test_the_answer_names_its_zone_and_an_unknown_one_is_refused(filled: Server) -> None:
    assert filled.get("/api/v1/spend").document["tz"] == "UTC"
    assert filled.get("/api/v1/spend?tz=Asia/Kathmandu").document["tz"] == "Asia/Kathmandu"
    for path in ("spend", "tools"):
        for name in ("Mars/Olympus", "..%2F..%2Fetc%2Fpasswd", "%00"):
            answer = filled.get(f"/api/v1/{path}?tz={name}")
            assert answer.status == 400
            assert "unknown time zone" in answer.document["detail"]
