"""`costspan demo` without `--once`: live traffic until Ctrl-C, which stops the server too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from costspan.cli.ask import ServerLedger
from costspan.cli.demo_server import free_port
from costspan.core.errors import Unreachable

# A shell starts background jobs with SIGINT ignored, and children inherit that (POSIX, 2.11 Signals).
HEED_CTRL_C = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def test_live_traffic_arrives_until_the_demo_is_interrupted(tmp_path) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-c",
        HEED_CTRL_C,
        sys.executable,
        "-m",
        "costspan.cli.main",
        "demo",
        "--days",
        "1",
        "--calls-per-day",
        "200",
    ]
    command += ["--port", str(port), "--data", str(tmp_path / "demo")]
    ledger = ServerLedger(f"http://127.0.0.1:{port}")

    def calls() -> int:
        return int(ledger.ask("/api/v1/spend", [("since", "2d")])["total"]["calls"])

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        try:
            assert demo.stdout is not None
            assert " spans sent in " in demo.stdout.readline()
            assert demo.stdout.readline() == "Live traffic goes on; Ctrl-C stops it.\n"
            history = calls()
            give_up_at = time.monotonic() + 30
            while calls() == history and time.monotonic() < give_up_at:
                time.sleep(0.1)
            assert calls() > history
        finally:
            demo.send_signal(signal.SIGINT)
            try:
                demo.wait(30)
            except subprocess.TimeoutExpired:
                demo.kill()
        assert demo.returncode == 0

    with pytest.raises(Unreachable):
        calls()
