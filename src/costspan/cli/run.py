"""`costspan run -- python app.py`: the application unchanged, its model calls priced; a table on stderr at the end.

The child finds our `sitecustomize` first on its path, so console scripts, `python -m` and worker processes are
covered too. Spans go to the configured OTLP endpoint, else to a server at the default place, else into the data folder.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

from costspan.cli.run_table import read_tally, spans_not_taken, table
from costspan.core.errors import UsageError

_BOOTSTRAP: Final = Path(__file__).parents[1] / "sdk" / "bootstrap"
_DEFAULT_URL: Final = "http://127.0.0.1:4318"
_PROBE_S: Final = 0.3
_FORWARDED: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_OTLP_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the spans go: an OTLP endpoint, or the inbox of a data folder."""

    variables: Mapping[str, str]
    arrived: str
    place: str

    def words(self, not_taken: int) -> str:
        """Return what became of the spans, `not_taken` of which nobody acknowledged."""
        if not not_taken:
            return self.arrived
        return (
            f"costspan: {self.place} had not taken {not_taken} spans when the program ended (costspan doctor says why)"
        )


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("--feature", help="feature that calls are attributed to where the code does not say")
    parser.add_argument("--team", help="team, likewise")
    parser.add_argument("--environment", help="environment, likewise")
    parser.add_argument("--service", help="service name (default: the program's)")
    parser.add_argument("--endpoint", help="OTLP/HTTP base URL to send spans to")
    parser.add_argument("--data", help="data folder to record in where nothing receives (default: costspan-data)")
    parser.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...")


def run(arguments: argparse.Namespace) -> int:
    """Run the program to its end and return its exit code; 128 + N for one that signal N ended, as shells do."""
    program = arguments.program[1:] if arguments.program[:1] == ["--"] else arguments.program
    if not program:
        raise UsageError("name the program to run: costspan run -- python app.py")
    destination = _destination(arguments.endpoint, arguments.data, os.environ)
    with tempfile.TemporaryDirectory(prefix="costspan-run-") as tally:
        variables = {**os.environ, **destination.variables, **_said(arguments, program), "COSTSPAN_TALLY_TO": tally}
        code = _run_to_end(program, variables)
        rows, not_taken = read_tally(Path(tally)), spans_not_taken(Path(tally))
        print(table(rows), file=sys.stderr)
        if rows or not_taken:
            print(destination.words(not_taken), file=sys.stderr)
    return code


def _said(arguments: argparse.Namespace, program: Sequence[str]) -> dict[str, str]:
    said = {
        "COSTSPAN_FEATURE": arguments.feature,
        "COSTSPAN_TEAM": arguments.team,
        "COSTSPAN_ENVIRONMENT": arguments.environment,
        "OTEL_SERVICE_NAME": arguments.service or os.environ.get("OTEL_SERVICE_NAME") or program_name(program),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_BOOTSTRAP), os.environ.get("PYTHONPATH")))),
    }
    return {name: value for name, value in said.items() if value}


def program_name(program: Sequence[str]) -> str:
    """Return what a program is called: `app` for `python app.py`, `pkg.tool` for `python -m pkg.tool`."""
    command, *words = program
    if not Path(command).name.startswith("python"):
        return Path(command).stem
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    script = next((word for word in words if word.endswith(".py")), None)
    return Path(script or command).stem


def _destination(endpoint: str | None, data: str | None, environment: Mapping[str, str]) -> Destination:
    if endpoint:
        return Destination({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, *_sent(endpoint))
    configured = next((environment[name] for name in _OTLP_ENDPOINTS if environment.get(name)), None)
    if configured:
        return Destination({}, *_sent(configured))
    url = environment.get("COSTSPAN_URL") or _DEFAULT_URL
    if not data and _answers(url):
        return Destination({"COSTSPAN_URL": url}, *_sent(url))
    folder = Path(data or environment.get("COSTSPAN_DATA") or "costspan-data")
    inbox = (folder / "inbox").resolve()
    reader = "" if find_spec("duckdb") else " (pip install 'costspan[server]' brings it)"
    arrived = f"spans recorded in {inbox}; look at them with: costspan report --data {folder}{reader}"
    return Destination({"COSTSPAN_RECORD_TO": str(inbox)}, arrived, str(inbox))


def _sent(endpoint: str) -> tuple[str, str]:
    return f"spans sent to {endpoint}", endpoint


def _answers(url: str) -> bool:
    place = urlsplit(url)
    port = place.port or (443 if place.scheme == "https" else 80)
    try:
        socket.create_connection((place.hostname or "127.0.0.1", port), _PROBE_S).close()
    except OSError:
        return False
    return True


def _run_to_end(program: Sequence[str], variables: Mapping[str, str]) -> int:
    try:
        child = subprocess.Popen(program, env=dict(variables))  # noqa: S603 - running the user's program is the command
    except OSError as error:
        raise UsageError(f"cannot run {program[0]}: {error.strerror}") from None
    with _signals_forwarded(child):
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _signals_forwarded(child: subprocess.Popen[bytes]) -> Iterator[None]:
    def forward(number: int, _frame: FrameType | None) -> None:
        # A terminal has already sent its interrupt to the whole group; twice would abort the program's clean-up.
        if number == signal.SIGINT and sys.stdin.isatty():
            return
        child.send_signal(number)

    numbers = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
    before = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
