"""The repository as the house rules see it, and the wheel made from it, installed with nothing beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command from the repository's root, with only the named variables beside PATH and HOME."""
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, cwd=ROOT, env=variables | environment, capture_output=True, text=True, check=False)


@dataclass(frozen=True, slots=True)
class BareInstall:
    """A virtual environment that holds costspan's wheel and no other distribution."""

    folder: Path

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its interpreter, away from the repository."""
        return self._run("python", *words)

    def costspan(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its `costspan` command, away from the repository."""
        return self._run("costspan", *words)

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [self.folder / "bin" / program, *words]
        return subprocess.run(command, cwd=self.folder, env={}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release builds it."""
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> BareInstall:
    """The wheel in an environment of its own, without its dependencies."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    install = BareInstall(folder)
    done = install.python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    assert done.returncode == 0, done.stderr
    return install
