"""Phoenix in an environment of its own: made once, and found on PATH from then on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ENVIRONMENT: Final = Path(__file__).resolve().parents[2] / ".venv" / "bench-ui"
_PACKAGE: Final = "arize-phoenix"


def prepare() -> str | None:
    """Make Phoenix's environment where it is absent; return None, or why it cannot be installed."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        for command in (
            ["venv", "--quiet", str(ENVIRONMENT)],
            ["pip", "install", "--quiet", "--python", str(python), _PACKAGE],
        ):
            done = subprocess.run([uv, *command], capture_output=True, text=True, check=False)
            if done.returncode:
                shutil.rmtree(ENVIRONMENT, ignore_errors=True)
                return (done.stderr.strip().splitlines() or [f"uv {command[0]} failed"])[-1]
    os.environ["PATH"] = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    return None
