"""Where the commands of tests come from: a Python that has read costspan's modules, forked for each command.

Reading them is most of what a start costs, and hundreds are started. What runs in the fork is the command, from its
words to the end of its process. The tests of the installed package, and a few beside them, start it by name.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

SOURCES = Path(__file__).parent.parent / "src"
REQUEST_BYTES = 1_000_000
POLL_S = 0.005


class Forked:
    """A command's process, with what tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code once there is one; below 0, the signal that ended it."""
        if self._code is None:
            self._code = self._nursery.ask({"ended": self.pid})
        return self._code

    def wait(self, timeout_s: float) -> int:
        """Return the exit code; raise subprocess.TimeoutExpired where that takes longer."""
        deadline = time.monotonic() + timeout_s
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("costspan", timeout_s)
            time.sleep(POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal; it is there, since nobody has been told of its end."""
        os.kill(self.pid, number)


class Nursery:
    """The Python that is forked. It ends when the process that asked for it does."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair()
        self._asking = threading.Lock()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        atexit.register(self._close)

    def start(self, words: Sequence[str], environment: Mapping[str, str], errors: IO[bytes]) -> tuple[Forked, IO[str]]:
        """Run `costspan` with `words`; return its process and what it prints. Standard error goes to `errors`."""
        heard, said = os.pipe()
        with os.fdopen(said, "wb") as printed:
            return self._forked(words, environment, printed, errors), os.fdopen(heard, encoding="utf-8")

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `costspan` with `words` to its end. Raise subprocess.TimeoutExpired where it has none."""
        with TemporaryFile() as printed, TemporaryFile() as errors:
            process = self._forked(words, environment, printed, errors)
            try:
                code = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                raise
            for file in (printed, errors):
                file.seek(0)
            return subprocess.CompletedProcess(words, code, printed.read().decode(), errors.read().decode())

    def _forked(
        self, words: Sequence[str], environment: Mapping[str, str], printed: IO[bytes], errors: IO[bytes]
    ) -> Forked:
        wanted = {"words": [*words], "environment": {**environment}, "folder": str(Path.cwd())}
        return Forked(self.ask(wanted, printed.fileno(), errors.fileno()), self)

    def ask(self, wanted: Mapping[str, Any], *handles: int) -> Any:
        """Return the answer to one request."""
        with self._asking:
            socket.send_fds(self._link, [json.dumps(wanted).encode() + b"\n"], handles)
            return json.loads(_line(self._link)[0])

    def _close(self) -> None:
        self._link.close()
        self._process.wait()


@cache
def nursery() -> Nursery:
    """Return this process's own."""
    return Nursery()


def _line(link: socket.socket) -> tuple[bytes, list[int]]:
    """Return what is said up to the end of its line, empty where nobody is there any more, and what came with it."""
    said, handles = b"", []
    while not said.endswith(b"\n"):
        part, more, _, _ = socket.recv_fds(link, REQUEST_BYTES, 2)
        handles += more
        if not part:
            break
        said += part
    return said, handles


def _fork_as_asked(link: socket.socket) -> None:
    """Answer requests until nobody is there to ask; in a fork, return when it is to run the command."""
    while True:
        said, handles = _line(link)
        if not said:
            os._exit(0)
        wanted = json.loads(said)
        if "ended" in wanted:
            pid, status = os.waitpid(wanted["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif answer := os.fork():
            pass
        else:
            link.close()
            _become(wanted, *handles)
            return
        for handle in handles:
            os.close(handle)
        link.sendall(json.dumps(answer).encode() + b"\n")


def _become(wanted: Mapping[str, Any], stdout: int, stderr: int) -> None:
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    os.chdir(wanted["folder"])
    sys.argv = ["costspan", *wanted["words"]]


def main() -> None:
    """Read what commands need, then fork."""
    import uvloop  # noqa: F401 - read here so that no fork has to

    from costspan.cli import main as command
    from costspan.cli import serve  # noqa: F401
    from costspan.server import assembly, runtime  # noqa: F401

    with suppress(KeyboardInterrupt):
        _fork_as_asked(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(command.main())


if __name__ == "__main__":
    main()
