"""`costspan.attribute`: who a call is for, in every shape of code it can be made from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import attach, detach
from opentelemetry.propagate import inject

import costspan
from costspan.sdk.attribute import attribution_in

from .conftest import Application

KEYS = ("feature", "team", "user_id", "session.id", "deployment.environment.name")


def who(said: dict[str, Any]) -> dict[str, Any]:
    return {key: said[key] for key in said if key in KEYS or key.startswith("costspan.tag.")}


def test_calls_within_the_block_are_attributed_and_calls_after_it_are_not(application: Application) -> None:
    with costspan.attribute(feature="search", team="core", session="s-1", environment="test", plan="pro", seats=3):
        inside = application.call()
    assert who(inside) == {
        "feature": "search",
        "team": "core",
        "session.id": "s-1",
        "deployment.environment.name": "test",
        "costspan.tag.plan": "pro",
        "costspan.tag.seats": "3",
    }
    assert who(application.call()) == {"deployment.environment.name": "prod"}


def test_an_inner_block_adds_to_the_outer_one_and_restores_it(application: Application) -> None:
    with costspan.attribute(feature="search", team="core"):
        with costspan.attribute(feature="rerank", plan="pro"):
            inner = application.call()
        outer = application.call()
    assert (inner["feature"], inner["team"], inner["costspan.tag.plan"]) == ("rerank", "core", "pro")
    assert (outer["feature"], outer["team"]) == ("search", "core")
    assert "costspan.tag.plan" not in outer


def test_the_user_is_hashed_with_the_key(application: Application) -> None:
    with costspan.attribute(user_id="ada@example.com"):
        said = application.call()
    # printf ada@example.com | openssl dgst -sha256 -hmac 'key of the test'
    assert said["user_id"] == "u_a0b00ebd1531f3c166f1b24801235124"
    assert "ada@example.com" not in str(said)


def test_only_feature_team_and_environment_travel_to_other_services() -> None:
    headers: dict[str, str] = {}
    with costspan.attribute(feature="search", team="core", environment="prod", user_id="u-1", session="s", plan="pro"):
        inject(headers)
        travelling = baggage.get_all()
    assert travelling == {"feature": "search", "team": "core", "deployment.environment.name": "prod"}
    assert headers["baggage"] == "feature=search,team=core,deployment.environment.name=prod"


def test_attribution_sent_by_another_service_is_taken_up(application: Application) -> None:
    token = attach(baggage.set_baggage("feature", "checkout"))
    try:
        assert application.call()["feature"] == "checkout"
        with costspan.attribute(team="pay"):
            said = application.call()
    finally:
        detach(token)
    assert (said["feature"], said["team"]) == ("checkout", "pay")


def test_what_the_span_itself_says_wins(application: Application) -> None:
    with costspan.attribute(feature="search"):
        assert application.call(feature="explicit")["feature"] == "explicit"


def test_a_decorated_function_keeps_its_name_its_result_and_its_exceptions(application: Application) -> None:
    @costspan.attribute(feature="summary")
    def summarise(text: str) -> str:
        """Shorten a text."""
        if not text:
            raise ValueError("no text")
        return str(application.call()["feature"])

    assert summarise("long") == "summary"
    assert (summarise.__name__, summarise.__doc__) == ("summarise", "Shorten a text.")
    with pytest.raises(ValueError, match="no text"):
        summarise("")
    assert attribution_in().feature is None


def test_a_decorated_function_may_call_itself(application: Application) -> None:
    @costspan.attribute(feature="tree")
    def walk(depth: int) -> list[str]:
        below = walk(depth - 1) if depth else []
        return [*below, str(application.call()["feature"])]

    assert walk(3) == ["tree"] * 4
    assert "feature" not in application.call()


def test_concurrent_tasks_do_not_mix(application: Application) -> None:
    async def one(name: str) -> list[str]:
        async with asyncio.timeout(5):
            with costspan.attribute(feature=name):
                seen = []
                for _ in range(5):
                    await asyncio.sleep(0)
                    seen.append(str(application.call()["feature"]))
                return seen

    async def both() -> list[list[str]]:
        return list(await asyncio.gather(one("a"), one("b")))

    assert asyncio.run(both()) == [["a"] * 5, ["b"] * 5]


def test_a_decorated_coroutine_is_attributed_while_it_runs(application: Application) -> None:
    @costspan.attribute(feature="summary")
    async def summarise() -> str:
        await asyncio.sleep(0)
        return str(application.call()["feature"])

    assert asyncio.run(summarise()) == "summary"


def test_a_decorated_generator_does_not_leak_into_the_code_that_reads_it(application: Application) -> None:
    @costspan.attribute(feature="stream")
    def answer() -> Iterator[str]:
        yield str(application.call()["feature"])
        with costspan.attribute(team="inner"):
            yield str(application.call()["team"])
            yield str(application.call()["team"])

    read = []
    for piece in answer():
        read.append(piece)
        assert attribution_in().feature is None
        assert attribution_in().team is None
    assert read == ["stream", "inner", "inner"]


def test_a_generator_gets_what_its_reader_sends_throws_and_closes() -> None:
    heard = []

    @costspan.attribute(feature="talk")
    def talk() -> Iterator[str]:
        try:
            heard.append((yield "ready"))
            try:
                yield "waiting"
            except KeyError:
                yield "caught"
        finally:
            heard.append(attribution_in().feature)

    conversation: Any = talk()
    assert next(conversation) == "ready"
    assert conversation.send("hello") == "waiting"
    assert conversation.throw(KeyError("x")) == "caught"
    conversation.close()
    assert heard == ["hello", "talk"]


def test_a_decorated_async_generator_does_not_leak_either(application: Application) -> None:
    @costspan.attribute(feature="stream")
    async def answer() -> AsyncIterator[str]:
        for _ in range(2):
            await asyncio.sleep(0)
            yield str(application.call()["feature"])

    async def read() -> list[tuple[str, str | None]]:
        return [(piece, attribution_in().feature) async for piece in answer()]

    assert asyncio.run(read()) == [("stream", None), ("stream", None)]


def test_the_host_s_exception_leaves_the_block_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), costspan.attribute(feature="search"):
        _ = 1 / 0
    assert attribution_in().feature is None


def test_an_empty_text_is_nothing_said(application: Application) -> None:
    with costspan.attribute(feature="search"), costspan.attribute(feature="", team=None):
        assert who(application.call()) == {"feature": "search", "deployment.environment.name": "prod"}


def test_one_scope_may_be_entered_by_many_tasks_at_a_time(application: Application) -> None:
    scope = costspan.attribute(feature="shared")

    async def one(inside: asyncio.Event, leave: asyncio.Event) -> tuple[str, str | None]:
        with scope:
            inside.set()
            await leave.wait()
            feature = str(application.call()["feature"])
        return feature, attribution_in().feature

    async def crossing() -> list[tuple[str, str | None]]:
        entered, leave = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
        tasks = [asyncio.create_task(one(entered[n], leave[n])) for n in range(2)]
        for event in entered:
            await event.wait()
        # The first to enter is the first to leave, so that their ends cross.
        leave[0].set()
        first = await tasks[0]
        leave[1].set()
        return [first, await tasks[1]]

    assert asyncio.run(crossing()) == [("shared", None)] * 2


def test_a_scope_that_is_left_in_another_context_says_nothing_and_breaks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def answer() -> AsyncIterator[str]:
        with costspan.attribute(feature="stream"):
            yield "piece"

    async def read() -> str | None:
        pieces = answer()
        await asyncio.create_task(anext(pieces))  # type: ignore[arg-type]
        await pieces.aclose()  # type: ignore[attr-defined]
        return attribution_in().feature

    assert asyncio.run(read()) is None
    assert caplog.records == []


class Mute:
    """A value that cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError("mute")


def test_a_value_that_cannot_be_written_is_left_out_and_the_others_hold(application: Application) -> None:
    with costspan.attribute(feature=Mute(), team="core", plan=Mute(), seats=3):  # type: ignore[arg-type]
        said = application.call()
    assert (said["team"], said["costspan.tag.seats"]) == ("core", "3")
    assert not {"feature", "costspan.tag.plan"} & said.keys()


def test_half_a_surrogate_pair_does_not_take_its_batch_with_it(application: Application) -> None:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    with costspan.attribute(feature="caf\u00e9 \ud83d", user_id="\ud83d", note="\udc00"):
        said = application.call()
    assert (said["feature"], said["costspan.tag.note"]) == ("caf\u00e9 ?", "?")
    assert encode_spans([application.last]).ByteSize() > 0
