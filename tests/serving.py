"""A real `costspan serve` in a child process, and the few things tests do to it: send, ask, stop, kill, look inside."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from nursery import SOURCES, nursery

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
START_S = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def serve_words(data: Path, *options: str) -> list[str]:
    """Return the words of a command that serves on free ports."""
    return ["serve", "--port", "0", "--grpc-port", "0", "--data", str(data), *options]


def serve_command(data: Path, *options: str) -> list[str]:
    """Return the command line of a server on free ports."""
    return [sys.executable, "-m", "costspan.cli", *serve_words(data, *options)]


def environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without settings of costspan's own, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COSTSPAN_")}
    return {**kept, "PYTHONPATH": str(SOURCES), **extra}


def run_serve(data: Path, *options: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to refuse to start, and return what it said."""
    return nursery().run(serve_words(data, *options), environment(**extra), START_S)


class Server:
    """One running server. `url` and `grpc_url` are where it answers; `errors()` what it wrote to standard error."""

    def __init__(self, data: Path, *options: str, **extra: str) -> None:
        self.data = data
        self._log = data.parent / f"{data.name}.stderr"
        with self._log.open("ab") as log:
            self.process, self._printed = nursery().start(serve_words(data, *options), environment(**extra), log)
        line = self._printed.readline()
        assert "http://" in line, f"the server did not start: {self.errors()}"
        self.url = line.partition("http://")[2].partition(",")[0]
        self.grpc_url = line.partition("OTLP/gRPC on ")[2].partition(",")[0]
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.get("/readyz").status == 200:
                return
            time.sleep(0.02)
        raise AssertionError(f"not ready after {START_S} s: {self.errors()}")

    def request(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, **headers: str) -> Answer:
        """Send one request on a connection of its own. Header names are given with `_` for `-`."""
        connection = http.client.HTTPConnection(self.url, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named, encode_chunked=not isinstance(body, bytes | None))
            response = connection.getresponse()
            said = {k.lower(): v for k, v in response.getheaders()}
            # A stream of events has no end: what it is answered with is known without it.
            endless = said.get("content-type", "").startswith("text/event-stream")
            return Answer(response.status, said, b"" if endless else response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """Ask."""
        return self.request("GET", path, None, **headers)

    def send(self, body: bytes | Iterable[bytes], content_type: str = PROTOBUF, **headers: str) -> Answer:
        """Post traces."""
        extra = {} if isinstance(body, bytes) else {"Transfer_Encoding": "chunked"}
        return self.request("POST", "/v1/traces", body, Content_Type=content_type, **extra, **headers)

    def spend(self, **parameters: Any) -> Any:
        """Return the spend document of all time, unless `since` says otherwise."""
        query = urlencode({"since": "1971-01-01", "until": "2200-01-01", **parameters}, doseq=True)
        answer = self.get(f"/api/v1/spend?{query}")
        assert answer.status == 200, answer.body
        return answer.document

    def ingest(self) -> Any:
        """Return the counters."""
        return self.get("/api/v1/ingest").document

    def rss_bytes(self) -> int:
        """Return the memory the process holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def errors(self) -> str:
        """Return what was written to standard error, over all servers of this data folder."""
        return self._log.read_text()

    def kill(self) -> None:
        """End the process as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End the process politely; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(30)
        self._printed.close()
        return code
