"""`costspan import`: collector file exports into the ledger, through a running server or into the folder itself."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from costspan.cli.ask import add_source_options, answering_server, data_folder
from costspan.cli.otlp_files import Input, Piece, Problem, Skipped, inputs, read
from costspan.cli.send import OtlpSender
from costspan.cli.table import progress_bar
from costspan.core.errors import PermanentError

BATCH_SPANS: Final = 512
_PROBLEMS_SHOWN: Final = 20

Take = Callable[[bytes], None]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `import`."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, .gz files, folders, or - for standard input")
    parser.add_argument(
        "--format",
        choices=("auto", "otlp-json", "jsonl"),
        default="auto",
        help="otlp-json: one request a file; jsonl: one a line, as collectors write; auto: look (default)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Import the paths; 1 when something was refused, else 0."""
    chosen = inputs(arguments.paths)
    result = _Result()
    with (
        progress_bar("Importing", sum(source.size_bytes for source in chosen)) as show,
        _sink(arguments, result) as take,
    ):
        for batch in _batches(_pieces(chosen, arguments.format, result, show)):
            _take(take, batch, result)
    if arguments.json:
        print(json.dumps(result.document(), indent=2))
    else:
        print(result.sentence(), flush=True)
        result.tell_problems()
    return 1 if result.problems or result.refused else 0


@dataclass(slots=True)
class _Result:
    """What an import came to; grows while it runs. `calls` and `duplicates` are None where only the server knows."""

    place: str = ""
    files: int = 0
    lines: int = 0
    spans: int = 0
    calls: int | None = None
    duplicates: int | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            "into": self.place,
            "files": self.files,
            "lines": self.lines,
            "spans": self.spans,
            "calls": self.calls,
            "duplicates": self.duplicates,
            "skipped_lines": dict(self.skipped),
            "refused_spans": dict(self.refused),
            "refused_lines": [{"place": problem.place, "reason": problem.reason} for problem in self.problems],
        }

    def sentence(self) -> str:
        known = "" if self.calls is None else f": {self.calls:,} calls, {self.duplicates:,} already there"
        skipped = [
            f"\nSkipped {count:,} lines of {signal}: only traces are read." for signal, count in self.skipped.items()
        ]
        return (
            f"{self.spans:,} spans of {self.lines:,} lines in {self.files:,} files went into {self.place}{known}."
            + "".join(skipped)
        )

    def tell_problems(self) -> None:
        for problem in self.problems[:_PROBLEMS_SHOWN]:
            print(f"{problem.place}: {problem.reason}", file=sys.stderr)
        if len(self.problems) > _PROBLEMS_SHOWN:
            print(f"... {len(self.problems) - _PROBLEMS_SHOWN:,} more refused lines; all with --json", file=sys.stderr)
        for reason, count in self.refused.items():
            print(f"{count:,} spans refused: {reason}", file=sys.stderr)


@contextmanager
def _sink(arguments: argparse.Namespace, result: _Result) -> Iterator[Take]:
    if url := answering_server(arguments):
        result.place = url
        # One at a time, so that a refusal names its lines.
        with OtlpSender(url, connections=1) as sender:
            yield lambda body: sender.post(body, "application/json")
        if sender.rejected_spans:
            result.refused["rejected by the server"] += sender.rejected_spans
        return
    folder = data_folder(arguments)
    result.place, result.calls, result.duplicates = str(folder), 0, 0
    from costspan.server.assembly import open_pipeline

    config = os.environ.get("COSTSPAN_CONFIG")
    with open_pipeline(folder, Path(config) if config else None) as pipeline:

        def take(body: bytes) -> None:
            taken = pipeline.take(body, "application/json")
            result.calls = (result.calls or 0) + taken.calls
            result.duplicates = (result.duplicates or 0) + taken.retransmitted
            result.refused.update(taken.refused)

        yield take


def _pieces(chosen: list[Input], form: str, result: _Result, show: Callable[[float], None]) -> Iterator[Piece]:
    done_bytes = 0
    for source in chosen:
        result.files += 1
        for found in read(source, form):
            if isinstance(found, Problem):
                result.problems.append(found)
            elif isinstance(found, Skipped):
                result.skipped[found.signal] += 1
            else:
                yield found
        result.lines += source.lines_read
        done_bytes += source.size_bytes
        show(done_bytes)


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    for piece in pieces:
        if batch and sum(held.spans for held in batch) + piece.spans > BATCH_SPANS:
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def _take(take: Take, batch: list[Piece], result: _Result) -> None:
    try:
        take(json.dumps({"resourceSpans": [piece.resource_spans for piece in batch]}, separators=(",", ":")).encode())
        result.spans += sum(piece.spans for piece in batch)
    except PermanentError as error:
        if len(batch) == 1:
            result.problems.append(Problem(batch[0].place, str(error)))
            return
        # One unreadable piece spoils a request, so each is tried alone and the guilty line is named.
        for piece in batch:
            _take(take, [piece], result)
