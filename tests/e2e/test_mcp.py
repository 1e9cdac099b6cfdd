"""A session of the official Model Context Protocol client with `costspan mcp`, over a server and over a folder."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from past_traffic import CENT_TOKENS, body, call_at, midnight

from costspan.core.units import Unit
from costspan.core.usage import Usage
from serving import SOURCES, Server

ASK = Callable[..., Awaitable[dict[str, Any]]]


def session(act: Callable[[Client, ASK], Awaitable[None]], *options: str) -> None:
    """Run `act` in a session with `costspan mcp`."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "costspan.cli", "mcp", *options], env={"PYTHONPATH": str(SOURCES)}
    )

    async def run() -> None:
        async with Client(command) as client:

            async def ask(name: str, **arguments: Any) -> dict[str, Any]:
                answer = await client.call_tool(name, arguments)
                assert not answer.is_error, answer.content
                assert answer.structured_content is not None
                return answer.structured_content

            await act(client, ask)

    asyncio.run(run())


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory):
    """A server on two weeks of calls: this week `search` sends three times the tokens, `chat` grew by one call."""
    server = Server(tmp_path_factory.mktemp("mcp") / "data")
    spans = []
    for back in range(1, 13):
        at = midnight() - timedelta(days=back) + timedelta(hours=12)
        sent = CENT_TOKENS * (30 if back < 7 else 10)
        usage = Usage({Unit.INPUT: sent})
        spans += [call_at(100 + back, at, feature="search", usage=usage), call_at(200 + back, at, feature="chat")]
    spans += [call_at(301, midnight() - timedelta(days=2), feature="chat", cents=1)]
    spans += [call_at(302, midnight() - timedelta(days=2), feature="chat", model="acme-70b")]
    server.send(body(iter(spans)))
    yield server
    server.kill()


def test_it_answers_which_feature_grew_most_this_week_and_why(grown: Server) -> None:
    async def act(_: Client, ask: ASK) -> None:
        said = await ask("growth", group_by="feature", since="7d")
        most = said["rows"][0]
        assert most["feature"] == "search"
        change = Decimal(most["change_usd"])
        assert change > 1
        assert sum(map(Decimal, most["drivers"].values())) == change
        assert max(most["drivers"], key=lambda part: Decimal(most["drivers"][part])) == "input_tokens_usd"
        assert most["reasons"][0].startswith("more input tokens a call: +$")
        assert said["completeness"]["unpriced_calls"] == 1

    session(act, "--url", f"http://{grown.url}")


def test_every_tool_only_reads_and_says_what_its_answer_leaves_out(grown: Server) -> None:
    async def act(client: Client, ask: ASK) -> None:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed) == {
            "spend", "growth", "calls", "trace", "budgets", "forecast", "anomalies", "whatif", "price", "completeness",
        }  # fmt: skip
        for tool in listed.values():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert tool.description
        trace_id = (await ask("calls", since="30d", filters=["feature:search"]))["rows"][0]["trace_id"]
        arguments = {"trace": {"trace_id": trace_id}, "price": {"model": "gpt-4o"}, "whatif": {"mode": "batch"}}
        for name in listed:
            assert "completeness" in await ask(name, **arguments.get(name, {})), name
        left_out = await ask("completeness")
        assert [row["model"] for row in left_out["rows"] if row["unpriced_calls"]] == ["acme-70b"]

    session(act, "--url", f"http://{grown.url}")


def test_what_is_wrong_with_a_question_is_said_to_the_client(grown: Server) -> None:
    async def act(client: Client, ask: ASK) -> None:
        refused = await client.call_tool("spend", {"group_by": "colour"})
        assert refused.is_error
        assert "unknown key 'colour'; known: model, provider" in refused.content[0].text
        assert (await ask("spend", group_by="feature"))["rows"]

    session(act, "--url", f"http://{grown.url}")


def test_a_folder_answers_without_a_server_and_a_missing_one_says_what_to_do(grown: Server, tmp_path: Path) -> None:
    async def act(client: Client, ask: ASK) -> None:
        refused = await client.call_tool("spend", {})
        assert refused.is_error
        assert "start a server (costspan serve)" in refused.content[0].text
        assert Decimal((await ask("price", model="gpt-4o"))["cost_usd"]) == Decimal("0.0125")

    session(act, "--data", str(tmp_path / "none"))
    server = Server(tmp_path / "data")
    server.send(body(iter([call_at(1, midnight(), feature="search", cents=7)])))
    server.stop()

    async def of_folder(_: Client, ask: ASK) -> None:
        assert (await ask("spend", group_by="feature"))["rows"][0]["cost_usd"] == "0.07"

    session(of_folder, "--data", str(server.data))
