"""`costspan.yaml`, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml
from tools.reference.tables import code, table

from costspan.cli.config import settings_schema

_GUIDES: Final = {
    "prices": "accounting.md#which-price",
    "mappings": "dialects.md#your-own-attribute-names",
    "budgets": "budgets.md",
    "alerts": "alerts.md",
    "notifiers": "alerts.md#delivery",
    "retention": "deploy.md",
    "auth": "security.md",
    "limits": "security.md",
    "forward": "forward.md",
    "reconcile": "reconciliation.md",
}
"""Section -> the page that explains it."""


def settings_page() -> str:
    """Return the page."""
    schema = settings_schema()
    sections = "".join(
        "".join(_section(name, each, schema["$defs"])) for name, each in sorted(schema["properties"].items())
    )
    return (
        "# costspan.yaml\n\n"
        "It stands in the data folder, or where `--config` or `COSTSPAN_CONFIG` says. A mistake keeps the server from "
        "starting and is named with its place; `costspan config check FILE` looks beforehand. `costspan config schema` "
        "prints the JSON Schema this page is made from: editors complete and check with it after\n\n"
        "```sh\ncostspan config schema > costspan.schema.json\n```\n\n"
        "and a first line `# yaml-language-server: $schema=costspan.schema.json`. All sections are optional.\n\n"
        + sections
    )


def _section(name: str, section: Mapping[str, Any], defined: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {name}\n\n{section['description']}"
    yield f" [More](../{_GUIDES[name]}).\n\n" if name in _GUIDES else "\n\n"
    for example in section["examples"]:
        written = yaml.safe_dump({name: example}, sort_keys=False, width=100)
        yield f"```yaml\n{written}```\n\n"
    entry = _seen(section.get("items", section), defined)
    if name == "notifiers":
        entry = entry["additionalProperties"]
    if properties := entry.get("properties"):
        needed = entry.get("required", ())
        rows = (
            (f"`{key}`{' (needed)' if key in needed else ''}", *_key(each, defined)) for key, each in properties.items()
        )
        yield table(("key", "is", "says"), rows) + "\n"


def _key(said: Mapping[str, Any], defined: Mapping[str, Any]) -> tuple[str, str]:
    seen = {**_seen(said, defined), **said}
    return _kind(seen, defined), str(seen.get("description", ""))


def _kind(seen: Mapping[str, Any], defined: Mapping[str, Any]) -> str:
    if "enum" in seen:
        return code(seen["enum"])
    if "anyOf" in seen:
        return " or ".join(dict.fromkeys(_kind(_seen(each, defined), defined) for each in seen["anyOf"]))
    kinds = seen.get("type", "any")
    return str(kinds) if isinstance(kinds, str) else " or ".join(kinds)


def _seen(said: Mapping[str, Any], defined: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(said.get("$ref", "")).removeprefix("#/$defs/")
    return defined[name] if name else said
