"""API keys as their command makes them, and as requests present them."""

from __future__ import annotations

from pathlib import Path

from nursery import nursery
from serving import environment


def keys(data: Path, *words: str, code: int = 0) -> str:
    """Run `costspan keys` on a data folder and return what it printed."""
    done = nursery().run(["keys", *words, "--data", str(data)], environment())
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def bearer(secret: str) -> str:
    """Return an Authorization value."""
    return f"Bearer {secret}"
