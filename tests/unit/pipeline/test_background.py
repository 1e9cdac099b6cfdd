"""Work beside requests: what nobody foresaw in one look takes nothing from the next."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from costspan.server.background import Background

LONG_S = 30.0


class Looks:
    """Looks that end as told, one after the other, and the moments to wait for."""

    def __init__(self, *looks: Callable[[], float]) -> None:
        self._looks = iter(looks)
        self.all_done = threading.Event()

    def __call__(self) -> float:
        look = next(self._looks, None)
        if look is None:
            self.all_done.set()
            return LONG_S
        return look()


def fail() -> float:
    raise ZeroDivisionError("nobody thought of this")


def test_an_error_nobody_foresaw_is_logged_and_the_next_look_comes(caplog: pytest.LogCaptureFixture) -> None:
    looks = Looks(fail, lambda: 0.0, fail)
    background = Background("night-watch", looks, again_after_s=0)
    background.start()
    assert looks.all_done.wait(LONG_S)
    background.stop()
    assert caplog.text.count("costspan-night-watch failed") == 2
    assert "nobody thought of this" in caplog.text


def test_it_looks_when_woken_however_long_it_meant_to_wait() -> None:
    looked = threading.Semaphore(0)

    def look() -> float:
        looked.release()
        return LONG_S * 100

    background = Background("sleeper", look)
    background.start()
    assert looked.acquire(timeout=LONG_S)
    background.wake()
    assert looked.acquire(timeout=LONG_S)
    background.stop()


def test_stopping_ends_a_pause_within_a_look() -> None:
    paused = threading.Event()
    ended: list[bool] = []

    def look() -> float:
        paused.set()
        ended.append(background.pause(LONG_S * 100))
        return 0.0

    background = Background("patient", look)
    background.start()
    assert paused.wait(LONG_S)
    background.stop()
    assert ended == [True]


def test_stopping_before_the_start_is_no_error() -> None:
    Background("idle", lambda: LONG_S).stop()
