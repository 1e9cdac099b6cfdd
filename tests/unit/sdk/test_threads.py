"""Attribution in thread pools, threads, event loops and web servers: a task is for whom it was submitted for."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import costspan
from costspan.sdk.attribute import attribution_in
from costspan.sdk.carry import carry_into_pools

from .conftest import Application


@pytest.fixture(autouse=True)
def _pools_as_configure_leaves_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)
    carry_into_pools()
    carry_into_pools()


def feature() -> str | None:
    return attribution_in().feature


def test_a_task_is_for_whom_it_was_submitted_for_and_its_thread_forgets_it(application: Application) -> None:
    with ThreadPoolExecutor(1) as pool:
        with costspan.attribute(feature="batch", user_id="u-1", plan="pro"):
            inside = pool.submit(application.call).result()
            mapped = list(pool.map(lambda _: feature(), range(3)))
        with costspan.attribute(feature="other"):
            second = pool.submit(feature).result()
        outside = pool.submit(application.call).result()
    assert (inside["feature"], inside["costspan.tag.plan"], inside["user_id"][:2]) == ("batch", "pro", "u_")
    assert (mapped, second) == (["batch"] * 3, "other")
    assert "feature" not in outside


def test_a_pool_s_initialiser_is_for_nobody_and_its_tasks_are(application: Application) -> None:
    seen: list[str | None] = []
    with costspan.attribute(feature="batch"), ThreadPoolExecutor(1, initializer=lambda: seen.append(feature())) as pool:
        tasks = pool.submit(feature).result()
    assert (seen, tasks) == ([None], "batch")


def test_a_task_gets_its_arguments_and_its_exception_is_handed_back() -> None:
    def divide(a: int, b: int, *, by: int) -> float:
        return a / b / by

    with costspan.attribute(feature="batch"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(divide, 8, 2, by=2).result() == 2
        assert isinstance(pool.submit(divide, 8, 0, by=1).exception(), ZeroDivisionError)
        with pytest.raises(TypeError):
            pool.submit()  # type: ignore[call-arg]


def test_a_bare_thread_is_for_nobody_unless_its_target_is_carried() -> None:
    heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with costspan.attribute(feature="batch"):
        bare = threading.Thread(target=lambda: heard.put(feature()))
        bare.start()
        bare.join()
        carried = threading.Thread(target=costspan.carry(lambda: heard.put(feature())))
    carried.start()  # after the scope has ended
    carried.join()
    assert [heard.get(), heard.get()] == [None, "batch"]


def test_a_carried_function_may_run_in_many_threads_at_a_time() -> None:
    together = threading.Barrier(3, timeout=10)

    def meet() -> str | None:
        together.wait()
        return feature()

    with costspan.attribute(feature="batch"):
        carried = costspan.carry(meet)
    with ThreadPoolExecutor(3) as pool:
        assert [task.result() for task in [pool.submit(carried) for _ in range(3)]] == ["batch"] * 3


def test_an_event_loop_s_tasks_threads_and_executors_carry_it_over() -> None:
    async def program() -> list[str | None]:
        loop = asyncio.get_running_loop()
        with costspan.attribute(feature="loop"):
            task = asyncio.create_task(asyncio.to_thread(feature))
            found = [await loop.run_in_executor(None, feature), await asyncio.to_thread(feature)]
        # The task was made inside and runs after the scope has ended.
        return [*found, await task, feature()]

    assert asyncio.run(program()) == ["loop", "loop", "loop", None]


def test_requests_of_a_web_server_keep_their_own() -> None:
    from fastapi import Depends, FastAPI
    from fastapi.responses import StreamingResponse
    from fastapi.testclient import TestClient

    async def attributed(name: str) -> AsyncIterator[None]:
        with costspan.attribute(feature=name):
            yield

    server = FastAPI()

    @server.get("/async", dependencies=[Depends(attributed)])
    async def in_the_loop() -> str | None:
        await asyncio.sleep(0)
        return feature()

    @server.get("/sync", dependencies=[Depends(attributed)])
    def in_a_thread() -> str | None:
        return feature()

    @server.get("/stream")
    def streamed(name: str) -> StreamingResponse:
        @costspan.attribute(feature=name)
        def pieces() -> Iterator[str]:
            yield str(feature())
            yield str(feature())

        return StreamingResponse(pieces())

    with TestClient(server) as client, ThreadPoolExecutor(4) as browsers:
        names = [f"f{number}" for number in range(8)]
        for path in ("/async", "/sync"):
            answers = browsers.map(lambda name, path=path: client.get(path, params={"name": name}).json(), names)
            assert list(answers) == names
        assert client.get("/stream", params={"name": "chat"}).text == "chatchat"
        assert feature() is None
