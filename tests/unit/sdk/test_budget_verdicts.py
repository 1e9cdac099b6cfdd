"""`costspan.budget` of a server: the last verdict and what was spent since, never a wait for the network."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import costspan
from costspan.sdk.budgets.verdicts import Verdicts

from .conftest import Application

CALL_USD = Decimal("0.001525")


class VerdictServer:
    """Answers every question with `verdict`, or not before `released` is set where it is `held`."""

    def __init__(self) -> None:
        self.verdict: dict[str, Any] = {
            "allowed": True,
            "reason": "",
            "amount_usd": "0.005",
            "spent_usd": "0",
            "since": "2026-11-01T00:00:00Z",
            "until": "2026-12-01T00:00:00Z",
            "max_age_s": 3600,
        }
        self.held = False
        self.released = threading.Event()
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Authorization")))
                if outer.held:
                    outer.released.wait(20)
                body = json.dumps(outer.verdict).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Stay quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[VerdictServer]:
    listening = VerdictServer()
    yield listening
    listening.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_calls_made_since_the_verdict_count_on_top_of_what_it_says(
    application: Application, server: VerdictServer
) -> None:
    server.verdict["spent_usd"] = "0.001"
    budget = costspan.budget("since", url=server.url, wait_s=20, estimate_usd=CALL_USD)
    for _ in range(2):
        with budget:
            application.call()
    with pytest.raises(costspan.BudgetExceeded) as refused, budget:
        pass
    # $0.001 of others and two calls of $0.001525
    assert refused.value.decision.spent_usd == Decimal("0.00405")
    assert refused.value.decision.period is not None
    assert [path for path, _ in server.asked] == ["/api/v1/budgets/verdict?budget=since"]


def test_a_verdict_that_allows_nothing_says_its_reason(application: Application, server: VerdictServer) -> None:
    server.verdict |= {"allowed": False, "reason": "3 calls have no price, which stop it"}
    budget = costspan.budget("blocked", url=server.url, wait_s=20, estimate_usd=CALL_USD)
    with pytest.raises(costspan.BudgetExceeded, match="3 calls have no price, which stop it"), budget:
        pass


def test_a_server_that_does_not_answer_holds_up_no_call_and_is_heard_once_it_does(
    application: Application, server: VerdictServer
) -> None:
    server.held = True
    budget = costspan.budget("slow", url=server.url, wait_s=0.01)
    with budget as decision:
        application.call()
    assert (decision.state, decision.allowed) == ("unavailable", False)
    server.released.set()
    until(lambda: budget.look().state == "ok")
    # What was spent before the verdict was there is not forgotten.
    assert budget.look().spent_usd == CALL_USD


def test_the_key_of_the_server_is_presented(
    application: Application, server: VerdictServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTSPAN_API_KEY", "the key")
    monkeypatch.setenv("COSTSPAN_URL", server.url + "/")
    with costspan.budget("a/b c", wait_s=20, estimate_usd=CALL_USD):
        pass
    assert server.asked == [("/api/v1/budgets/verdict?budget=a%2Fb%20c", "Bearer the key")]


@pytest.mark.parametrize("damage", [{"allowed": None}, {"max_age_s": "soon"}, {"amount_usd": 5.5}, {"since": None}])
def test_an_answer_that_is_no_verdict_is_no_verdict(
    application: Application, server: VerdictServer, damage: dict[str, Any]
) -> None:
    server.verdict |= damage
    name = f"damaged {next(iter(damage))}"
    budget = costspan.budget(name, url=server.url, wait_s=20, on_unavailable="closed")
    with pytest.raises(costspan.BudgetExceeded) as refused, budget:
        pass
    assert refused.value.decision.state == "unavailable"


def test_after_a_pause_the_next_call_waits_for_a_new_verdict_while_the_server_answers(server: VerdictServer) -> None:
    now_s = 0.0
    verdicts = Verdicts("paused", server.url, {}, wait_s=20, max_stale_s=60, clock_s=lambda: now_s)
    verdicts.wait()
    server.verdict["spent_usd"] = "0.004"
    now_s = 61.0
    assert verdicts.is_awaited
    verdicts.wait()
    standing = verdicts.standing()
    assert standing is not None
    assert standing[0].spent == 4 * 10**9


def test_a_server_that_refused_is_not_waited_for_again(server: VerdictServer) -> None:
    now_s = 0.0
    server.verdict = {}
    verdicts = Verdicts("refusing", server.url, {}, wait_s=20, max_stale_s=60, clock_s=lambda: now_s)
    verdicts.wait()
    now_s = 61.0
    assert not verdicts.is_awaited
    assert verdicts.standing() is None
