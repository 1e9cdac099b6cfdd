"""API keys as their command makes them, and as requests present them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from serving import environment


def keys(data: Path, *words: str, code: int = 0) -> str:
    """Run `costspan keys` on a data folder and return what it printed."""
    command = [sys.executable, "-m", "costspan.cli", "keys", *words, "--data", str(data)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def bearer(secret: str) -> str:
    """Return an Authorization value."""
    return f"Bearer {secret}"
