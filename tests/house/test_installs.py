"""The wheel with its dependencies, in empty environments: at the lowest versions pyproject.toml allows, at the latest,
and on every Python that is here. Packages come from the registry that is configured, through uv.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, run

UV = Path(sys.executable).parent / "uv"
OLDEST = "3.11"
LOWEST = ("--resolution", "lowest-direct")
FIRST_USE = Path(__file__).parent / "first_use.py"


def pythons() -> dict[str, str]:
    """Return what uv is to call each version, from the oldest we take on, of which an interpreter here starts."""
    found = {}
    for version in (f"3.{minor}" for minor in range(11, 16)):
        kept_by_pyenv = sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
        for name in (version, *kept_by_pyenv):
            if run(UV, "python", "find", "--no-python-downloads", name).returncode == 0:
                found[version] = name
                break
    return found or {platform.python_version(): sys.executable}


PYTHONS = pythons()


def installed(folder: Path, wheel: Path, python: str, *asked: str) -> Path:
    """Return the Python of a new environment that holds the wheel and what it brings as `asked`."""
    interpreter = folder / "bin" / "python"
    here = ("--quiet", "--python", interpreter)
    wanted = ("--requirements", ROOT / "pyproject.toml", *asked)
    for command in (
        (UV, "venv", "--quiet", "--python", python, folder),
        (UV, "pip", "install", *here, *wanted),
        (UV, "pip", "install", *here, "--no-deps", wheel),
    ):
        done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return interpreter


def first_use(interpreter: Path, *words: str) -> str:
    """Do what a new installation does first, and return the total of its report."""
    command = [interpreter, FIRST_USE, *words]
    done = subprocess.run(command, cwd=interpreter.parent, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_all_of_it_works_with_the_lowest_versions_it_says_it_takes(wheel: Path, tmp_path: Path) -> None:
    interpreter = installed(tmp_path / "lowest", wheel, OLDEST, "--extra", "all", *LOWEST)
    assert first_use(interpreter, "all") == "0.9"  # 1 M tokens in at $0.15; by gRPC also 1 M out at $0.60


@pytest.mark.parametrize("python", PYTHONS)
def test_all_of_it_works_with_the_latest_versions(python: str, wheel: Path, tmp_path: Path) -> None:
    interpreter = installed(tmp_path / "latest", wheel, PYTHONS[python], "--extra", "all")
    assert first_use(interpreter, "all") == "0.9"


def test_the_bare_install_sends_and_prices_without_the_server(wheel: Path, tmp_path: Path) -> None:
    interpreter = installed(tmp_path / "bare", wheel, OLDEST, *LOWEST)
    program = "import costspan; costspan.configure(); print(costspan.price('gpt-4o', input_tokens=1_000_000).cost_usd)"
    said = subprocess.run([interpreter, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (said.stdout.strip(), said.returncode) == ("2.5", 0), said.stderr
