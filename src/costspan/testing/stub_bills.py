"""A stand-in for the billing APIs of OpenAI, Anthropic and OpenRouter: real HTTP, as their contracts say, from cells.

Contracts: OpenAI's `/v1/organization/{costs,usage/*}` (openai-openapi 2.3.0), Anthropic's
`/v1/organizations/analytics/{cost,usage}` and the classic `usage_report` and `cost_report`, OpenRouter's `/activity`.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from costspan.core.money import usd_from_pico
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import BillCell, Kind

Query = Mapping[str, list[str]]
Row = dict[str, Any]

OPENAI_KEY: Final = "sk-admin-stub"
ANTHROPIC_KEY: Final = "sk-ant-admin-stub"
OPENROUTER_KEY: Final = "sk-or-management-stub"
_KEYS: Final = frozenset({OPENAI_KEY, ANTHROPIC_KEY, OPENROUTER_KEY})
_OPENAI_LINES: Final = {Unit.INPUT: "input", Unit.CACHE_READ: "cached input", Unit.OUTPUT: "output"}
_ANTHROPIC_TOKENS: Final = {
    Unit.INPUT: "uncached_input_tokens",
    Unit.CACHE_READ: "cache_read_input_tokens",
    Unit.OUTPUT: "output_tokens",
}


@dataclass(slots=True, kw_only=True)
class StubBills:
    """Answers with what `cells` bill, `page_days` days a page. Start it with `with`.

    `refusals` are answered first, one for each request: a status, or a status and seconds of Retry-After. `classic`
    leaves Anthropic's analytics out. `extra` are rows added to each of OpenAI's buckets of a report. `asked` logs.
    """

    cells: tuple[BillCell, ...] = ()
    page_days: int = 3
    refusals: list[int | tuple[int, str]] = field(default_factory=list)
    classic: bool = False
    extra: Mapping[str, list[Row]] = field(default_factory=dict)
    amounts_as_text: bool = False
    asked: list[str] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="stub-bills", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens. Raises RuntimeError outside the `with` block."""
        if self._server is None:
            raise RuntimeError("the stub runs inside its with block only")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self) -> dict[str, str]:
        """Return the variables that send costspan here, with keys that are taken."""
        return {
            "OPENAI_ADMIN_KEY": OPENAI_KEY,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "ANTHROPIC_ADMIN_KEY": ANTHROPIC_KEY,
            "ANTHROPIC_BASE_URL": self.url,
            "OPENROUTER_MANAGEMENT_KEY": OPENROUTER_KEY,
            "OPENROUTER_BASE_URL": f"{self.url}/api/v1",
        }

    def answer(self, path: str, query: Query, key: str) -> tuple[int, dict[str, str], Row]:
        """Return status, headers and document."""
        self.asked.append(path)
        if self.refusals:
            refusal = self.refusals.pop(0)
            status, after = refusal if isinstance(refusal, tuple) else (refusal, None)
            return status, {"Retry-After": after} if after else {}, {"error": {"message": "refused by the stub"}}
        if key not in _KEYS:
            return 401, {}, {"error": {"message": f"Incorrect API key provided: {key[:3]}", "type": "invalid"}}
        for start, answered in _ROUTES.items():
            if path.startswith(start) and not (self.classic and "analytics" in path):
                return 200, {}, answered(self, path.removeprefix(start), query)
        return 404, {}, {"error": {"message": f"no {path}", "type": "not_found_error"}}

    def days(self, query: Query, first: str, last: str, read: Callable[[str], datetime]) -> tuple[list[date], Row]:
        """Return the days of the page asked for, and how it goes on."""
        since, until = read(query[first][0]), read(query[last][0])
        days = [(since + timedelta(days=number)).date() for number in range((until - since).days)]
        at = int(query.get("page", ["page_0"])[0].removeprefix("page_"))
        following = at + self.page_days
        has_more = following < len(days)
        return days[at:following], {"has_more": has_more, "next_page": f"page_{following}" if has_more else None}

    def amount(self, cell: BillCell) -> float | str:
        """Return an amount as OpenAI sends it: a number, or text."""
        usd = usd_from_pico(cell.billed_amount or 0)
        return f"{usd:f}" if self.amounts_as_text else float(usd)


def _unix(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _openai(stub: StubBills, report: str, query: Query) -> Row:
    days, more = stub.days(query, "start_time", "end_time", _unix)
    rows = {"costs": _openai_costs, "usage/completions": _openai_usage}.get(report)
    buckets = []
    for day in days:
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        found = [*(rows(stub, day) if rows else ()), *stub.extra.get(report, ())]
        buckets.append({"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": found})
    return {"object": "page", "data": buckets, **more}


def _openai_costs(stub: StubBills, day: date) -> Iterator[Row]:
    for cell in _of(stub.cells, day, Kind.CHARGE, Kind.FEE):
        mode = f" {cell.mode}" if cell.mode not in (None, "standard") else ""
        line = cell.line_item or f"{cell.model}{mode}, {_OPENAI_LINES[cell.unit or Unit.INPUT]}"
        amount = {"value": stub.amount(cell), "currency": "usd"}
        yield {"object": "organization.costs.result", "amount": amount, "line_item": line, "quantity": None,
               "quantity_unit": None, "project_id": cell.project, "api_key_id": cell.api_key}  # fmt: skip


def _openai_usage(stub: StubBills, day: date) -> Iterator[Row]:
    for (project, api_key, model, mode), (requests, units) in _used(stub.cells, day).items():
        cached = units.get(Unit.CACHE_READ, 0)
        yield {"object": "organization.usage.completions.result", "project_id": project, "api_key_id": api_key,
               "model": model, "batch": mode == "batch", "service_tier": "default", "num_model_requests": requests,
               "input_tokens": units.get(Unit.INPUT, 0) + cached, "input_cached_tokens": cached,
               "output_tokens": units.get(Unit.OUTPUT, 0)}  # fmt: skip


def _anthropic(stub: StubBills, report: str, query: Query) -> Row:
    days, more = stub.days(query, "starting_at", "ending_at", _iso)
    rows = []
    for day in days:
        for group, body in _anthropic_usage(stub, day) if report == "usage" else _anthropic_cost(stub, day):
            times = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day + timedelta(days=1)}T00:00:00Z"}
            rows.append({**times, "group": group, report: body})
    return {"data": rows, **more, "data_refreshed_at": "2026-11-20T00:00:00Z"}


def _classic(stub: StubBills, report: str, query: Query) -> Row:
    days, more = stub.days(query, "starting_at", "ending_at", _iso)
    is_usage = report.startswith("usage_report")
    buckets = []
    for day in days:
        found = _anthropic_usage(stub, day) if is_usage else _anthropic_cost(stub, day)
        results = [{**group, **body} for group, body in found]
        for each in results:
            for key in ("list_amount", "requests"):
                each.pop(key, None)
        buckets.append({"starting_at": f"{day}T00:00:00Z", "ending_at": "", "results": results})
    return {"data": buckets, **more}


def _anthropic_usage(stub: StubBills, day: date) -> Iterator[tuple[Row, Row]]:
    for (project, api_key, model, mode), (requests, units) in _used(stub.cells, day).items():
        group = {"workspace_id": project, "api_key_id": api_key, "model": model, "service_tier": mode}
        yield (
            group,
            {
                **{name: units.get(unit, 0) for unit, name in _ANTHROPIC_TOKENS.items()},
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
                "server_tool_use": {"web_search_requests": 0},
                "requests": requests,
                "total_tokens": sum(units.values()),
            },
        )


def _anthropic_cost(stub: StubBills, day: date) -> Iterator[tuple[Row, Row]]:
    for cell in _of(stub.cells, day, Kind.CHARGE, Kind.FEE):
        group = {"workspace_id": cell.project, "api_key_id": cell.api_key, "model": cell.model,
                 "service_tier": cell.mode, "cost_type": "tokens" if cell.kind is Kind.CHARGE else "web_search",
                 "token_type": _ANTHROPIC_TOKENS.get(cell.unit) if cell.unit else None}  # fmt: skip
        yield group, {
            "amount": _cents(cell.billed_amount or 0), "list_amount": _cents(cell.list_amount or 0), "currency": "USD",
            "requests": None,
        }  # fmt: skip


def _cents(amount: int) -> str:
    return f"{Decimal(amount).scaleb(-10):f}"


def _activity(stub: StubBills, report: str, query: Query) -> Row:
    del report
    day = date.fromisoformat(query["date"][0])
    billed: dict[str | None, int] = defaultdict(int)
    for cell in _of(stub.cells, day, Kind.CHARGE):
        billed[cell.model] += cell.billed_amount or 0
    rows: dict[str | None, Row] = {}
    for (_, _, model, _), (requests, units) in _used(stub.cells, day).items():
        row = rows.setdefault(model, {"date": f"{day} 00:00:00", "model": model, "requests": 0, "prompt_tokens": 0,
                                      "completion_tokens": 0, "cached_tokens": 0, "reasoning_tokens": 0,
                                      "byok_usage_inference": 0})  # fmt: skip
        cached = units.get(Unit.CACHE_READ, 0)
        row["requests"] += requests
        row["prompt_tokens"] += units.get(Unit.INPUT, 0) + cached
        row["cached_tokens"] += cached
        row["completion_tokens"] += units.get(Unit.OUTPUT, 0)
        row["usage"] = float(usd_from_pico(billed[model]))
    return {"data": list(rows.values())}


_ROUTES: Final[Mapping[str, Callable[[StubBills, str, Query], Row]]] = {
    "/v1/organization/": _openai,
    "/v1/organizations/analytics/": _anthropic,
    "/v1/organizations/": _classic,
    "/api/v1/activity": _activity,
}


def _of(cells: Iterable[BillCell], day: date, *kinds: Kind) -> Iterator[BillCell]:
    return (cell for cell in cells if cell.day == day and cell.kind in kinds)


def _used(cells: Iterable[BillCell], day: date) -> dict[tuple[str | None, ...], tuple[int, dict[Unit, int]]]:
    requests: dict[tuple[str | None, ...], int] = defaultdict(int)
    units: dict[tuple[str | None, ...], dict[Unit, int]] = defaultdict(dict)
    for cell in _of(cells, day, Kind.USAGE):
        key = cell.project, cell.api_key, cell.model, cell.mode
        requests[key] += cell.requests or 0
        if cell.unit is not None:
            units[key][cell.unit] = units[key].get(cell.unit, 0) + (cell.quantity or 0)
    return {key: (requests[key], units[key]) for key in requests}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, stub: StubBills, *connection: Any) -> None:
        self.stub = stub
        super().__init__(*connection)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        key = self.headers.get("x-api-key") or (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, headers, document = self.stub.answer(parts.path, parse_qs(parts.query), key)
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet: the requests are in `StubBills.asked`."""
