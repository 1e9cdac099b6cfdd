"""A reader's desk: a folder, a server with calls in it and a provider that costs nothing, to try what a page says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bodies import PLAIN_CALL, protobuf, span
from costspan.testing.stub_provider import StubProvider, StubUsage
from serving import Server

from .markdown import ROOT

PATIENCE_S = 120
IMPORTS = ROOT / "tests/e2e/import_files"

SETTINGS = """
alerts:
  - {name: rate-limits, measure: errors, where: {error_type: rate_limit}, window: 5m, above: 5, notify: [slack]}
budgets:
  - {name: search-monthly, amount_usd: 3000}
notifiers:
  slack: {webhook: "RECEIVER"}
"""

PIP = """#!{python}
import sys
from importlib.metadata import metadata
from packaging.requirements import Requirement

assert sys.argv[1] == "install"
for word in sys.argv[2:]:
    asked = Requirement(word)
    missing = asked.extras - set(metadata(asked.name).get_all("Provides-Extra") or [])
    assert not missing, f"{{word}}: no such extra"
"""
"""What stands for pip: every package it is asked for is one the tests have, every extra one that there is."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where blocks are tried."""

    folder: Path
    server: Server
    provider: StubProvider
    variables: dict[str, str]

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def calls(self) -> int:
        """Return how many calls the ledger has."""
        return int(self.server.spend()["total"]["calls"])


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    """Lay everything out in `folder`, and clear it away."""
    with _receiver() as receiver, StubProvider(usage=StubUsage(input_tokens=1000, output_tokens=100)) as provider:
        settings = folder / "costspan.yaml"
        settings.write_text(SETTINGS.replace("RECEIVER", receiver), "utf-8")
        server = Server(folder / "ledger", "--config", str(settings))
        try:
            _fill(server)
            _lay_out(folder)
            yield Desk(folder, server, provider, _variables(folder, server, provider, settings))
        finally:
            server.kill()


def _fill(server: Server) -> None:
    attributes = {**PLAIN_CALL, "feature": "search", "team": "search"}
    now_ns = int(datetime.now(UTC).timestamp()) * 10**9
    hour_ns = int(timedelta(hours=1).total_seconds()) * 10**9
    past = [
        span(
            attributes,
            start_time_unix_nano=now_ns - hour_ns * hours,
            end_time_unix_nano=now_ns - hour_ns * hours + 10**9,
        )
        for hours in range(1, 500, 7)
    ]
    assert server.send(protobuf(past)).status == 200


def _lay_out(folder: Path) -> None:
    (folder / "logs").mkdir()
    programs = folder / "bin"
    programs.mkdir()
    shutil.copy(ROOT / "examples/unchanged_program.py", folder / "app.py")
    shutil.copy(IMPORTS / "jsonl/app.jsonl", folder / "app.jsonl")
    shutil.copy(IMPORTS / "helicone/requests.jsonl", folder / "helicone.jsonl")
    shutil.copy(IMPORTS / "langfuse/table.csv", folder / "langfuse-export.csv")
    subprocess.run(["gzip", "-k", folder / "app.jsonl"], check=True)
    shutil.move(folder / "app.jsonl.gz", folder / "logs" / "app.jsonl.gz")
    shutil.copytree(IMPORTS / "claude-code", folder / ".claude/projects")
    shutil.copytree(IMPORTS / "codex", folder / ".codex/sessions")
    shutil.copytree(IMPORTS / "gemini-cli", folder / ".gemini/tmp/shop/chats")
    for name, text in {"pip": PIP.format(python=sys.executable), "kubectl": "#!/bin/sh\ncat app.jsonl\n"}.items():
        (programs / name).write_text(text, "utf-8")
        (programs / name).chmod(0o755)


def _variables(folder: Path, server: Server, provider: StubProvider, settings: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
    return {
        **kept,
        "PATH": os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "COSTSPAN_URL": f"http://{server.url}",
        "COSTSPAN_CONFIG": str(settings),
        "OPENAI_BASE_URL": provider.base_url,
        "OPENAI_API_KEY": "test",
        "ANTHROPIC_BASE_URL": provider.url,
        "ANTHROPIC_API_KEY": "test",
        "GOOGLE_GEMINI_BASE_URL": provider.url,
        "GEMINI_API_KEY": "test",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": provider.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@contextmanager
def _receiver() -> Iterator[str]:
    """Yield the address of something that takes every notification."""

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Takes) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}/"
        listening.shutdown()
