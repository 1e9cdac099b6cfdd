"""The API's rows as CSV: the same as in JSON, all of them, and nothing in them runs in a spreadsheet."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

from bodies import PLAIN_CALL, protobuf, span
from serving import Server

ALL = "since=1971-01-01&until=2200-01-01"
FORMULA = '=HYPERLINK("https://evil.example","x")'


def rows(server: Server, path: str) -> list[dict[str, str]]:
    answer = server.get(path)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith('attachment; filename="costspan-')
    return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))


def flat(row: dict[str, Any], nested: set[str]) -> dict[str, str]:
    """Return a row of a JSON document as it should stand in CSV; what `nested` names has columns of its own."""
    cells: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, dict) and name in nested:
            cells |= {f"{name}.{inner}": each for inner, each in flat(value, set()).items()}
        elif name not in nested:
            cells[name] = (
                ""
                if value is None
                else json.dumps(value, separators=(",", ":"))
                if isinstance(value, dict | list)
                else str(value)
            )
    return cells


def same(found: dict[str, str], wanted: dict[str, str]) -> bool:
    """Return True where every cell is as wanted, and those that are not named are empty."""
    return all(value == wanted.get(name, "") for name, value in found.items()) and wanted.keys() <= found.keys()


def test_spend_is_the_same_in_csv_as_in_json(shared_server: Server) -> None:
    teams = [{**PLAIN_CALL, "team": team} for team in ("docs, legal", 'say "x"', "line\nbreak")]
    assert shared_server.send(protobuf([span(each) for each in teams], service="spend")).status == 200
    question = f"{ALL}&group_by=team,model&interval=1d&filter=service:spend"
    said = shared_server.get(f"/api/v1/spend?{question}").document["rows"]
    found = rows(shared_server, f"/api/v1/spend?{question}&format=csv")
    assert len(said) == 3
    assert list(found[0])[:3] == ["team", "model", "start"]
    assert all(same(mine, flat(theirs, {"latency_ms", "ttft_ms"})) for mine, theirs in zip(found, said, strict=True))
    assert {row["cost_usd"] for row in found} == {"0.00021"}
    assert {row["latency_ms.p50"] for row in found} == {"800.0"}


def test_all_calls_come_in_one_file_and_a_page_where_one_is_asked_for(shared_server: Server) -> None:
    body = protobuf([span() for _ in range(2_300)], service="many")
    assert shared_server.send(body).status == 200
    question = f"{ALL}&filter=service:many"
    found = rows(shared_server, f"/api/v1/calls?{question}&format=csv")
    assert len({row["span_id"] for row in found}) == len(found) == 2_300
    page = shared_server.get(f"/api/v1/calls?{question}&limit=7").document
    of_page = rows(shared_server, f"/api/v1/calls?{question}&limit=7&format=csv")
    nested = {"owner", "rate"}
    assert all(same(mine, flat(theirs, nested)) for mine, theirs in zip(of_page, page["rows"], strict=True))
    assert json.loads(of_page[0]["charges"]) == page["rows"][0]["charges"]
    assert of_page == found[:7]


def test_no_cell_runs_in_a_spreadsheet(shared_server: Server) -> None:
    names = [FORMULA, "+1+1", "-1+cmd|' /C calc'!A1", "@SUM(A1)", "\ttab", "-5"]
    calls = [span({**PLAIN_CALL, "feature": name}) for name in names]
    assert shared_server.send(protobuf(calls, service="hostile")).status == 200
    found = rows(shared_server, f"/api/v1/spend?{ALL}&group_by=feature&filter=service:hostile&format=csv")
    assert {row["feature"] for row in found} >= {f"'{FORMULA}", "'+1+1", "'-1+cmd|' /C calc'!A1", "'@SUM(A1)", "-5"}
    assert not [row for row in found if row["feature"][0] in "=+@\t\r"]


def test_what_is_large_travels_packed_where_the_client_can_unpack_it(shared_server: Server) -> None:
    calls = [span({**PLAIN_CALL, "feature": f"f{number}"}) for number in range(50)]
    assert shared_server.send(protobuf(calls, service="packed")).status == 200
    for form in ("json", "csv"):
        path = f"/api/v1/spend?{ALL}&group_by=feature&filter=service:packed&format={form}"
        plain, packed = shared_server.get(path), shared_server.get(path, Accept_Encoding="gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 5


def test_a_wrong_question_is_a_problem_also_in_csv(shared_server: Server) -> None:
    for path in ("spend", "calls"):
        for query in ("format=xlsx", "format=csv&filter=nonsense", "format=csv&nonsense=1"):
            answer = shared_server.get(f"/api/v1/{path}?{query}")
            assert answer.status == 400
            assert answer.headers["content-type"] == "application/problem+json"


def test_the_description_of_the_api_names_the_format(shared_server: Server) -> None:
    paths = shared_server.get("/openapi.json").document["paths"]
    for path in ("/api/v1/spend", "/api/v1/calls"):
        operation = paths[path]["get"]
        assert {"application/json", "text/csv"} == set(operation["responses"]["200"]["content"])
        known = next(each for each in operation["parameters"] if each["name"] == "format")
        assert known["schema"]["enum"] == ["json", "csv"]
