"""`costspan import`: telemetry files, logs, session files and exports into the ledger, by a server or the folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from costspan.cli.ask import add_source_options, answering_server, data_folder
from costspan.cli.table import progress_bar
from costspan.core.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from costspan.cli.importers.base import Problem
    from costspan.cli.importers.field_map import FieldMap

FORMATS: Final = ("auto", "otlp-json", "jsonl", "claude-code", "codex", "gemini-cli", "langfuse", "helicone")
"""As `costspan.cli.importers` has them, which needs what is in the server's package."""
_PROBLEMS_SHOWN: Final = 20
_PROBLEMS_KEPT: Final = 10_000
"""Refused rows that are named; a file of another kind has millions."""
_SHOWN_EVERY: Final = 256
"""Rows between two looks at how far the import is."""
_WORDS: Final = {"traces": "spans", "logs": "log records", "metrics": "metrics"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `import`."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files, .gz files, folders, patterns, or - for standard input"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="auto",
        help="what the files are; auto: look (default); without PATH an agent's session files are taken from their"
        " usual place",
    )
    parser.add_argument(
        "--map", type=Path, metavar="FILE", help="names in your logs (default: mappings of costspan.yaml)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Import the paths; 1 when something was refused, else 0."""
    from costspan.cli.importers import Importers
    from costspan.cli.importers.rows import inputs
    from costspan.cli.importers.sink import opened_sink

    importers = Importers(arguments.format, _maps(arguments))
    chosen = inputs(list(_present(arguments.paths or importers.homes, named=bool(arguments.paths))))
    result = Result()
    with (
        progress_bar("Importing", sum(source.size_bytes for source in chosen)) as show,
        opened_sink(answering_server(arguments), data_folder(arguments), result) as sink,
    ):
        done_bytes = 0
        for source in chosen:
            result.files += 1
            for number, found in enumerate(importers.read(source)):
                sink.take(found)
                if number % _SHOWN_EVERY == 0:
                    show(done_bytes + source.bytes_read)
            result.lines += source.lines_read
            done_bytes += source.size_bytes
            show(done_bytes)
    if arguments.json:
        print(json.dumps(result.document(), indent=2))
    else:
        print(result.sentence(), flush=True)
        result.tell_problems()
    return 1 if result.problem_count or result.refused else 0


@dataclass(slots=True)
class Result:
    """What an import came to; grows while it runs. `calls` and `duplicates` are None where only the server knows."""

    place: str = ""
    files: int = 0
    lines: int = 0
    items: Counter[str] = field(default_factory=Counter)
    """Signal -> spans, log records or metrics that were taken."""
    calls: int | None = None
    duplicates: int | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    def tell(self, problem: Problem) -> None:
        """Count a refused row, and name it while there are not too many."""
        self.problem_count += 1
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(problem)

    def document(self) -> dict[str, Any]:
        """Return the whole as `--json` prints it."""
        return {
            "into": self.place,
            "files": self.files,
            "lines": self.lines,
            "spans": self.items["traces"],
            "log_records": self.items["logs"],
            "metrics": self.items["metrics"],
            "calls": self.calls,
            "duplicates": self.duplicates,
            "skipped_lines": dict(self.skipped),
            "refused_spans": dict(self.refused),
            "refused_line_count": self.problem_count,
            "refused_lines": [{"place": problem.place, "reason": problem.reason} for problem in self.problems],
        }

    def sentence(self) -> str:
        """Return the whole in words."""
        known = "" if self.calls is None else f": {self.calls:,} calls, {self.duplicates:,} already there"
        items = [f"{count:,} {_WORDS[signal]}" for signal, count in self.items.items() if count] or ["0 spans"]
        skipped = [f"\nPassed over {count:,} {what}." for what, count in self.skipped.items()]
        return (
            f"{', '.join(items)} of {self.lines:,} lines in {self.files:,} files went into {self.place}{known}."
            + "".join(skipped)
        )

    def tell_problems(self) -> None:
        """Print what was refused on standard error."""
        for problem in self.problems[:_PROBLEMS_SHOWN]:
            print(f"{problem.place}: {problem.reason}", file=sys.stderr)
        if self.problem_count > _PROBLEMS_SHOWN:
            more = self.problem_count - _PROBLEMS_SHOWN
            print(f"... {more:,} more refused lines; named with --json", file=sys.stderr)
        for reason, count in self.refused.items():
            print(f"{count:,} spans refused: {reason}", file=sys.stderr)


def _present(paths: list[str], *, named: bool) -> Iterator[str]:
    """Yield the paths that were named, or those of the usual places that are there."""
    if not paths:
        raise UsageError("name the files to import, or an agent whose session files to take: --format claude-code")
    found = False
    for path in paths:
        there = Path(os.path.expandvars(path)).expanduser()
        if named or there.exists():
            found = True
            yield path if named else str(there)
    if not found:
        raise Unreachable(f"no session files at {', '.join(paths)}; name their folder")


def _maps(arguments: argparse.Namespace) -> list[FieldMap]:
    from costspan.cli.importers.field_map import read_field_maps

    if arguments.map:
        return read_field_maps(arguments.map)
    usual = Path(os.environ.get("COSTSPAN_CONFIG") or data_folder(arguments) / "costspan.yaml")
    return read_field_maps(usual) if usual.is_file() else []
