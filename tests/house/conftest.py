"""The repository as the house rules see it, and the wheel made from it, installed with nothing beside it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command from the repository's root, with only the named variables beside PATH and HOME."""
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, cwd=ROOT, env=variables | environment, capture_output=True, text=True, check=False)


@dataclass(frozen=True, slots=True)
class BareInstall:
    """A virtual environment that holds costspan's wheel and nothing a test has not put there."""

    folder: Path

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its interpreter, away from the repository."""
        return self._run("python", *words)

    def costspan(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run its `costspan` command, away from the repository, with `variables` and no others."""
        return self._run("costspan", *words, **variables)

    def _run(self, program: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [self.folder / "bin" / program, *words]
        return subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True, check=False)


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
    return _installed(wheel, tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="session")
def openai_application(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> BareInstall:
    """What `pip install costspan[openai] openai` brings, taken from this environment instead of from an index."""
    install = _installed(wheel, tmp_path_factory.mktemp("application"))
    done = install.python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    for name in closure([Requirement("costspan[openai]"), Requirement("openai")]) - {"costspan"}:
        for file in importlib.metadata.files(name) or ():
            target = Path(done.stdout.strip()) / file
            if ".." not in file.parts and file.suffix != ".pyc":
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), target)
    return install


def _installed(wheel: Path, folder: Path) -> BareInstall:
    venv.create(folder, with_pip=True)
    install = BareInstall(folder)
    done = install.python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    assert done.returncode == 0, done.stderr
    return install


def closure(requirements: list[Requirement]) -> set[str]:
    """Return the names of the distributions that installing `requirements` brings."""
    found: dict[str, set[str]] = {}
    waiting = [(each.name, frozenset(each.extras)) for each in requirements]
    while waiting:
        name, extras = waiting.pop()
        name = re.sub(r"[-_.]+", "-", name).lower()
        asked = {"", *extras}
        if asked <= found.get(name, set()):
            continue
        found.setdefault(name, set()).update(asked)
        further = map(Requirement, importlib.metadata.requires(name) or ())
        waiting += [
            (each.name, frozenset(each.extras))
            for each in further
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in asked)
        ]
    return set(found)
