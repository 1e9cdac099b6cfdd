"""What `costspan import` reads: one file for each kind, one line here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final

from costspan.cli.importers.base import Found, Importer, Problem, Row
from costspan.cli.importers.claude_code import ClaudeCode
from costspan.cli.importers.codex import Codex
from costspan.cli.importers.field_map import FieldMap
from costspan.cli.importers.gemini_cli import GeminiCli
from costspan.cli.importers.helicone import Helicone
from costspan.cli.importers.json_logs import JsonLogs
from costspan.cli.importers.langfuse import Langfuse
from costspan.cli.importers.otlp_json import OtlpJson
from costspan.cli.importers.rows import Input, rows

IMPORTERS: Final[tuple[type[Importer], ...]] = (
    OtlpJson,
    ClaudeCode,
    Codex,
    GeminiCli,
    Langfuse,
    Helicone,
    JsonLogs,
)
"""In the order in which they are asked whether a file is theirs; the widest comes last."""
AUTO: Final = "auto"
FORMATS: Final = (AUTO, *(importer.name for importer in IMPORTERS))
_HEAD_ROWS: Final = 64
"""How far into a file is looked for a sign of its kind."""


class Importers:
    """The importers of one run: all of them, or the one that `--format` names."""

    def __init__(self, form: str = AUTO, maps: Sequence[FieldMap] = ()) -> None:
        """`maps` are a user's own words for logs."""
        made = [JsonLogs(maps) if kind is JsonLogs else kind() for kind in IMPORTERS]
        self._asked = [one for one in made if form in (AUTO, one.name)]
        self._is_auto = form == AUTO

    @property
    def homes(self) -> list[str]:
        """Where the files of the one kind are usually found."""
        return [] if self._is_auto else list(self._asked[0].homes)

    def read(self, source: Input) -> Iterator[Found]:
        """Yield what a file holds."""
        problems: list[Problem] = []
        held = _readable(rows(source), problems)
        head = list(islice(held, _HEAD_ROWS))
        importer = self._chosen(head) if self._is_auto else self._asked[0]
        if importer is None:
            yield from problems
            if head:
                yield Problem(
                    source.name, f"nothing that is known in its first {len(head)} rows; name what it is with --format"
                )
            return
        for found in importer.read(chain(head, held)):
            yield from problems
            problems.clear()
            yield found
        yield from problems

    def _chosen(self, head: Sequence[Row]) -> Importer | None:
        return next((one for one in self._asked if any(one.recognizes(row.value) for row in head)), None)


def _readable(found: Iterator[Row | Problem], problems: list[Problem]) -> Iterator[Row]:
    """Yield the rows, and put aside what cannot be read."""
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        else:
            yield one
