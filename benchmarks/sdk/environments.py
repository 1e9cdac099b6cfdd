"""The environments of the peers: made with uv where absent, weighed, and asked for the client's version."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.sdk.peers import BARE, ENVIRONMENTS, REPOSITORY, Peer

_CLIENT: Final = "openai"
_INVENTORY: Final = """
import importlib.metadata as metadata, json
found = {}
for each in metadata.distributions():
    files = [each.locate_file(file) for file in each.files or () if not str(file).endswith(".pyc")]
    size = sum(file.stat().st_size for file in files if file.is_file())
    found[each.metadata["Name"].lower().replace("_", "-")] = each.version, size
print(json.dumps(found))
"""

Inventory = dict[str, tuple[str, int]]
"""Distribution -> its version and the bytes it installed."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A peer's Python, the versions that matter, and what it installs beside the client."""

    python: Path
    version: str
    client_version: str
    distributions: int
    megabytes: float


def prepare(peers: Iterable[Peer]) -> dict[str, str]:
    """Make the environments that are absent and bring our own up to date; return what failed, by environment."""
    wanted = {BARE: (), **{peer.environment: peer.requirements for peer in peers}}
    failures = {}
    for name, requirements in wanted.items():
        own = any(str(REPOSITORY) in requirement for requirement in requirements)
        if own or not _python(name).exists():
            failure = _install(name, requirements)
            failures |= {name: failure} if failure else {}
    return failures


def environment_of(peer: Peer) -> Environment | None:
    """Return the environment of a peer, or None where it is not prepared."""
    if not (_python(peer.environment).exists() and _python(BARE).exists()):
        return None
    return weighed(_python(peer.environment), peer.package, inventory(_python(BARE)))


def weighed(python: Path, package: str, bare: Inventory) -> Environment:
    """Return what `python` has installed beyond `bare`."""
    found = inventory(python)
    added = [size for name, (_, size) in found.items() if name not in bare]
    return Environment(python, found[package][0], found[_CLIENT][0], len(added), sum(added) / 1e6)


def inventory(python: Path) -> Inventory:
    """Return what is installed for `python`."""
    done = subprocess.run([python, "-c", _INVENTORY], capture_output=True, text=True, check=True)
    listed: Inventory = json.loads(done.stdout)
    return listed


def _python(name: str) -> Path:
    return ENVIRONMENTS / name / "bin" / "python"


def _install(name: str, requirements: tuple[str, ...]) -> str | None:
    """Return None, or why the environment cannot be made; nothing half made is left behind."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    folder = ENVIRONMENTS / name
    install = ["pip", "install", "--quiet", "--python", str(_python(name)), "--compile-bytecode"]
    install += ["--reinstall-package", "costspan"]
    for command in (["venv", "--quiet", "--clear", str(folder)], [*install, _CLIENT, *requirements]):
        done = subprocess.run([uv, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"uv {command[0]} failed"
    return None
