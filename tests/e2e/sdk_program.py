"""Runs a small program in a Python of its own, because a process has one global tracer provider."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import costspan

SOURCE = str(Path(costspan.__file__).parents[1])
OPENAI = """
import os, openai
import costspan
client = openai.OpenAI(base_url=os.environ["STUB_URL"], api_key="test")
def chat(model="gpt-5", **options):
    messages = [{"role": "user", "content": "secret words"}]
    return client.chat.completions.create(model=model, messages=messages, **options)
"""
"""The beginning of a program that talks to the stub provider."""


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Return this process's environment without telemetry settings, with a home of its own and `variables`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": SOURCE, **variables}


def run_program(code: str, variables: dict[str, str], timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `code`, with warnings as errors left to the program, and return what it printed; it must exit with 0."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr
    return done
