"""The server `costspan demo` starts for itself, and the folder it may empty."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Final

from costspan.cli.ask import connect
from costspan.core.errors import Unreachable, UsageError

CONFIG_FILE: Final = "costspan.yaml"
MARKER: Final = ".costspan-demo"
_READY_WITHIN_S: Final = 30.0
_STOPS_WITHIN_S: Final = 30.0


def fresh_folder(folder: Path, config: str) -> Path:
    """Return `folder` emptied, marked as the demo's own and holding `config` as costspan.yaml.

    Raises UsageError for a folder with anything in it that the demo did not make.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARKER).is_file())):
        raise UsageError(f"{folder} was not made by costspan demo and is left alone; name another with --data")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("Made by `costspan demo`, which empties this folder when it starts.\n", "utf-8")
    (folder / CONFIG_FILE).write_text(config, "utf-8")
    return folder


def add_to_config(folder: Path, text: str) -> None:
    """Append `text` to the demo's costspan.yaml, as whoever changes prices would."""
    with (folder / CONFIG_FILE).open("a", encoding="utf-8") as file:
        file.write(text)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DemoServer:
    """`costspan serve` as a child process. As a context manager it yields the address once the server is ready.

    Raises Unreachable when the port is taken or the server does not come up, with the last lines it wrote.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._folder, self._port = folder, port
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        self._refuse_taken_port()
        command = [sys.executable, "-m", "costspan.cli.main", "serve", "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--no-grpc", "--data", str(self._folder), "--config", str(self._folder / CONFIG_FILE)]
        with self._log.open("wb") as log:
            # A session of its own, so that Ctrl-C reaches the demo alone, which then stops the server in order.
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._stop()
            raise
        return self.url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        code = self._stop()
        if error is None and code not in {0, -signal.SIGTERM}:
            raise Unreachable(f"the server did not stop cleanly (exit code {code}): {self._last_words()}")

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError as error:
                raise Unreachable(
                    f"port {self._port} is taken ({error.strerror}): choose another with --port,"
                    f" or feed the server that runs there with --url {self.url}"
                ) from None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        give_up_at = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < give_up_at:
            if process.poll() is not None:
                raise Unreachable(f"the server ended at once (exit code {process.returncode}): {self._last_words()}")
            if self._is_ready():
                return
            time.sleep(0.05)
        raise Unreachable(f"the server was not ready within {_READY_WITHIN_S:.0f} s: {self._last_words()}")

    def _is_ready(self) -> bool:
        link = connect(self.url, 2)
        try:
            link.request("GET", "/readyz")
            return link.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            link.close()

    def _stop(self) -> int:
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return " | ".join(lines[-5:]) or "it wrote nothing"
