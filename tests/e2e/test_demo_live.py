"""`costspan demo` without `--once`: live traffic until Ctrl-C, which stops the server too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from costspan.cli.ask import ServerLedger
from costspan.core.errors import Unreachable

# A shell starts background jobs with SIGINT ignored, and children inherit that (POSIX, 2.11 Signals).
HEED_CTRL_C = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def test_live_traffic_arrives_until_the_demo_is_interrupted(tmp_path) -> None:
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
    command += ["--port", "0", "--data", str(tmp_path / "demo")]

    def calls(ledger: ServerLedger) -> int:
        return int(ledger.ask("/api/v1/spend", [("since", "2d")])["total"]["calls"])

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        try:
            assert demo.stdout is not None
            said = demo.stdout.readline()
            assert " spans sent in " in said
            url = said.partition("Dashboard: ")[2].strip()
            assert ":4318" not in url
            ledger = ServerLedger(url)
            assert demo.stdout.readline() == "Live traffic goes on; Ctrl-C stops it.\n"
            history = calls(ledger)
            give_up_at = time.monotonic() + 30
            while calls(ledger) == history and time.monotonic() < give_up_at:
                time.sleep(0.1)
            assert calls(ledger) > history
        finally:
            demo.send_signal(signal.SIGINT)
            try:
                demo.wait(30)
            except subprocess.TimeoutExpired:
                demo.kill()
        assert demo.returncode == 0

    with pytest.raises(Unreachable):
        calls(ledger)
