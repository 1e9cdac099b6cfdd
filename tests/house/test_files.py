"""Files stay small, named after what they hold, captioned, finished, and free of anybody's machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from .sources import PACKAGE, code_files, name_of, python_files, text_files

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
BANNED_NAMES = {
    "base_classes", "common", "handler", "handlers", "helper", "helpers", "lib", "manager", "managers", "misc",
    "models", "service", "services", "shared", "stuff", "types", "util", "utils",
}  # fmt: skip

# Each word is spelled with a class of one letter, so that this file does not contain what it looks for.
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b")
NOT_IMPLEMENTED = re.compile(r"\bNotImplemente[d]Error\b")
SEAMS = "base.py"
"""A file of this name holds the base class of an extension folder, whose methods subclasses must write."""
MACHINE_PATHS = re.compile(
    r"(?<![\w.:/-])/(?:roo[t]|wor[k]|hom[e]|User[s]|workspac[e]s?)/[\w.-]+|\b[A-Z]:\\\\?User[s]\\"
)


def test_no_file_is_longer_than_400_lines():
    long = {name_of(path): lines for path in code_files() if (lines := len(_text(path).splitlines())) > MAX_FILE_LINES}

    assert long == {}


def test_every_function_fits_a_screen_of_60_lines():
    long = [
        f"{name_of(path)}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in python_files()
        for node in ast.walk(ast.parse(_text(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]

    assert long == []


def test_every_module_of_the_package_says_what_it_is():
    silent = [name_of(path) for path in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(_text(path)))]

    assert silent == []


def test_no_file_or_folder_has_a_name_that_says_nothing():
    vague = [name_of(path) for path in code_files() if BANNED_NAMES & {*_words(path)}]

    assert vague == []


def test_nothing_is_left_unfinished():
    notes = _lines_with(UNFINISHED, code_files())
    stubs = _lines_with(NOT_IMPLEMENTED, [path for path in code_files() if path.name != SEAMS])

    assert notes + stubs == []


def test_no_file_names_a_folder_of_somebodys_machine():
    assert _lines_with(MACHINE_PATHS, text_files()) == []


def _words(path: Path) -> list[str]:
    *folders, file = name_of(path).lower().split("/")
    return [*folders, file.partition(".")[0]]


def _lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(_text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def _text(path: Path) -> str:
    # Payloads and pictures are bytes; a path would be readable in them all the same.
    return path.read_text(encoding="utf-8", errors="replace")
