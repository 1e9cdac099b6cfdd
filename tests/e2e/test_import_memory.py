"""`costspan import` holds a part of a file at a time: what it takes for 60 MB is what it takes for a few lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from serving import environment

MEGABYTE = 1_000_000
PROGRAM = (
    "import resource, sys; from costspan.cli.main import main; code = main(sys.argv[1:]); "
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr); sys.exit(code)"
)


def write_log(file: Path, size_bytes: int) -> int:
    """Write calls whose prompts are of 30 kB; return how many."""
    number = 0
    with file.open("w") as log:
        while log.tell() < size_bytes:
            line = {
                "timestamp": 1_791_219_600 + number,
                "request": {"model": "gpt-5.4", "messages": [{"role": "user", "content": "lorem ipsum " * 2_500}]},
                "response": {
                    "id": f"chatcmpl-{number:020d}",
                    "model": "gpt-5.4",
                    "usage": {"prompt_tokens": 1_000, "completion_tokens": 200, "total_tokens": 1_200},
                },
            }
            log.write(json.dumps(line) + "\n")
            number += 1
    return number


def imported(url: str, file: Path) -> tuple[int, str]:
    """Return the most memory an import held, in bytes, and what it printed."""
    command = [sys.executable, "-c", PROGRAM, "import", str(file), "--url", f"http://{url}", "--json"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return int(done.stderr), done.stdout


def test_memory_does_not_grow_with_the_file(server, tmp_path: Path) -> None:
    little, much = tmp_path / "little.jsonl", tmp_path / "much.jsonl"
    write_log(little, MEGABYTE // 10)
    calls = write_log(much, 60 * MEGABYTE)

    at_rest, _ = imported(server.url, little)
    peak, said = imported(server.url, much)

    assert json.loads(said)["spans"] == calls
    assert peak - at_rest < os.stat(much).st_size / 3


def test_nothing_but_the_result_is_printed_in_a_pipe(server, tmp_path: Path) -> None:
    write_log(tmp_path / "app.jsonl", MEGABYTE)

    _, said = imported(server.url, tmp_path / "app.jsonl")

    assert json.loads(said)["refused_line_count"] == 0
