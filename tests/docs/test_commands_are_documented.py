"""Every command is named in a document, and no document names a command that is not there."""

from __future__ import annotations

import re

import pytest

from costspan.cli.main import COMMANDS

from .markdown import code, documents, name_in_repository

NAMED = re.compile(r"(?:^|[\s$(&;|])costspan ([a-z]+)\b")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_documented(command: str):
    assert [path for path in documents() if any(command in NAMED.findall(line) for line in code(path))]


def test_documents_name_no_command_that_is_not_there():
    unknown = [
        f"{name_in_repository(path)}: costspan {name}"
        for path in documents()
        for line in code(path)
        for name in NAMED.findall(line)
        if name not in COMMANDS
    ]

    assert unknown == []
