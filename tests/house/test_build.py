"""A build is a function of its source: the same bytes twice, and the wheel of the archive is the wheel of the tree."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from .conftest import run


def built(folder: Path) -> dict[str, str]:
    """Build both distributions at one moment in time; return their hashes by name."""
    said = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, SOURCE_DATE_EPOCH="1793534400")
    assert said.returncode == 0, said.stdout + said.stderr
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = built(tmp_path / "first"), built(tmp_path / "second")
    assert sorted(path.rpartition(".")[2] for path in first) == ["gz", "whl"]
    assert first == second
