"""The commands and their options, from the parsers themselves."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from typing import Final

from tools.reference.tables import table

from costspan.cli.main import COMMANDS, module_of

_LEFT_OUT: Final = (argparse._SubParsersAction, argparse._HelpAction)


def commands_page() -> str:
    """Return the page."""
    said = "".join("".join(_command(parser_of(name), 2)) for name in COMMANDS)
    return (
        "# Commands\n\n"
        "`costspan COMMAND --help` says the same. Exit codes: 0 done, 1 what was asked about is so (an alert fires, a "
        "budget is spent, the ledger does not add up), 2 a mistake in the words or in `costspan.yaml`, 3 nothing could "
        "be done: no server, no folder, a missing package.\n\n" + said
    )


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    parser = argparse.ArgumentParser(prog=f"costspan {name}", description=COMMANDS[name])
    import_module(module_of(name)).configure(parser)
    return parser


def _command(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    yield f"{'#' * level} {parser.prog}\n\n"
    if parser.description:
        yield f"{parser.description[0].upper()}{parser.description[1:]}.\n\n"
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    yield f"```text\n{usage}\n```\n\n"
    known = [action for action in parser._actions if not isinstance(action, _LEFT_OUT)]
    if known:
        yield table(("argument", "says"), ((_names(action), _says(action)) for action in known)) + "\n"
    for action in parser._actions:  # argparse has no other list of what it takes
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, below in action.choices.items():
                below.description = below.description or helps.get(name)
                yield from _command(below, min(level + 1, 4))


def _names(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _says(action: argparse.Action) -> str:
    if not action.help:
        return ""
    words = {"default": action.default, "prog": "costspan", "choices": action.choices, "metavar": action.metavar}
    return action.help % {**vars(action), **words}
