"""`costspan config`: is a costspan.yaml right, and the JSON Schema that editors check it with."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

SCHEMA_FILE: Final = "settings.schema.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    checking = actions.add_parser("check", help="read a costspan.yaml as the server would; exit code 2 for a mistake")
    checking.add_argument("file", nargs="?", help="the file (default: $COSTSPAN_CONFIG or the one in the data folder)")
    actions.add_parser("schema", help="print the JSON Schema of costspan.yaml")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked. Raises ConfigError that names file, entry and key."""
    if arguments.action == "schema":
        print(json.dumps(settings_schema(), indent=2))
        return 0
    from costspan.server.config import CONFIG_FILE, DEFAULT_DATA, read_settings, settings_file

    folder = Path(os.environ.get("COSTSPAN_DATA") or DEFAULT_DATA)
    named = arguments.file or os.environ.get("COSTSPAN_CONFIG")
    path = settings_file(folder, Path(named) if named else None)
    if path is None:
        print(f"no {CONFIG_FILE} in {folder}: every setting has its default", file=sys.stderr)
        return 0
    settings = read_settings(path)
    for notifier in settings.notifiers.values():
        notifier.open(os.environ)
    print(f"{path}: the server would take it", file=sys.stderr)
    return 0


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of a costspan.yaml.

    The rules of `alerts:` are those of `rule_file`; what each unit of a price is called comes from `Unit`.
    """
    from costspan.core.units import Unit
    from costspan.server.alerts.rule_file import rules_schema

    schema: dict[str, Any] = json.loads(files("costspan.server").joinpath(SCHEMA_FILE).read_text(encoding="utf-8"))
    rules = rules_schema()
    schema["$defs"] |= rules.pop("$defs")
    schema["properties"]["alerts"] |= rules
    prices = schema["properties"]["prices"]["items"]["properties"]
    prices |= {unit.value: {"$ref": "#/$defs/price"} for unit in Unit}
    return schema
