"""Where alerts are received in tests: a real webhook, a real SMTP server; and the traffic that causes them."""

from __future__ import annotations

import email.policy
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from bodies import MILLISECOND, PLAIN_CALL, protobuf, span

WAIT_S = 60


@dataclass(frozen=True)
class Received:
    """One request a webhook got in full."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What a receiver tells repetitions by."""
        return self.headers["idempotency-key"]

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """Rule and status of its alerts."""
        return [(each["labels"]["alertname"], each["status"]) for each in self.document["alerts"]]


class Inbox:
    """What arrived, and how to wait for it."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self._changed = threading.Condition()

    def put(self, one: Any) -> None:
        """Something arrived."""
        with self._changed:
            self.got.append(one)
            self._changed.notify_all()

    def wait(self, enough: Callable[[list[Any]], Any], what: str = "") -> list[Any]:
        """Return all that arrived once there is enough of it."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.got), WAIT_S), f"waited in vain {what}: {self.got}"
            return list(self.got)


class Webhook(Inbox):
    """A webhook. `before_reading` and `before_answering` run in each request; `status` is what it answers with.

    Where `before_reading` returns True nothing of the request is read: it never arrived.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.before_reading: Callable[[], bool] = lambda: False
        self.before_answering: Callable[[], object] = lambda: None
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                if not inbox.before_reading():
                    super().handle()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.put(Received({name.lower(): value for name, value in self.headers.items()}, body))
                inbox.before_answering()
                try:
                    self.send_response(inbox.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True  # whoever sent it is gone

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def alerts(self) -> list[tuple[str, str]]:
        """Rule and status of every alert that arrived."""
        return [alert for one in self.got for alert in one.alerts]

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()


class Mails(Inbox):
    """An SMTP server that keeps what it takes as messages."""

    def __init__(self) -> None:
        super().__init__()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        self.url = (
            f"mailto://127.0.0.1:{self.port}/?from=costs@example.com&to=ops@example.com&mode=insecure&format=text"
        )

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message."""
        self.put(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"

    def close(self) -> None:
        """End."""
        self._controller.stop()


@contextmanager
def receiving() -> Iterator[Webhook]:
    """A webhook for the block."""
    hook = Webhook()
    try:
        yield hook
    finally:
        hook.close()


@contextmanager
def mails() -> Iterator[Mails]:
    """An SMTP server for the block."""
    sink = Mails()
    try:
        yield sink
    finally:
        sink.close()


def settings(folder: Path, text: str) -> str:
    """Write a costspan.yaml and return its path."""
    path = folder / "costspan.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def calls(count: int, *, age_s: float = 0, error: str | None = None, **who: str) -> bytes:
    """Return `count` calls of $0.00021 each that began `age_s` seconds ago, failed where `error` says how."""
    start_ns = time.time_ns() - int(age_s * 1e9) - MILLISECOND
    said: dict[str, Any] = {**PLAIN_CALL, **who}
    if error:
        said = {key: value for key, value in said.items() if ".usage." not in key} | {"error.type": error}
    moments = {"start_time_unix_nano": start_ns, "end_time_unix_nano": start_ns + MILLISECOND}
    return protobuf([span(said, **moments) for _ in range(count)])


def killing(pid: int) -> Callable[[], bool]:
    """Return what ends a process as a power cut would, and returns True."""
    return lambda: os.kill(pid, signal.SIGKILL) is None


def eventually(ask: Callable[[], Any], what: str) -> Any:
    """Return what `ask` answers as soon as that is something."""
    deadline = time.monotonic() + WAIT_S
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return answer
