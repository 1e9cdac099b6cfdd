"""Read the `prices:` list of a `costspan.yaml`: the one place where pricing opens a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from costspan.core.errors import ConfigError
from costspan.pricing.load import load_rate_card


def read_overlays(path: Path) -> list[Mapping[str, object]]:
    """Return the `prices:` entries of a configuration file, checked.

    Raises ConfigError that names file, line and key; needs PyYAML, and says so when it is not installed.
    """
    try:
        import yaml  # noqa: PLC0415 - only a configuration needs it; pricing itself runs on the standard library
    except ModuleNotFoundError:
        raise ConfigError(f"{path}: reading it needs PyYAML: pip install 'costspan[server]'") from None
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as wrong:
        raise ConfigError(f"{path}: {wrong.strerror}") from wrong
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        raise ConfigError(f"{path}:{line}: {wrong.problem}") from wrong
    entries = document.get("prices") if isinstance(document, Mapping) else None
    if entries is None:
        return []
    lines = _lines(node)
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ConfigError(f"{path}:{lines[0] if lines else 1}: prices: a list of entries")
    for number in range(len(entries)):
        _check(path, entries, number, lines[number])
    return cast("list[Mapping[str, object]]", entries)


def _check(path: Path, entries: list[Mapping[str, object]], number: int, line: int) -> None:
    try:
        load_rate_card(entries[: number + 1])
    except ConfigError as wrong:
        raise ConfigError(f"{path}:{line}: {wrong}") from wrong


def _lines(document: Any) -> list[int]:
    for key, value in document.value:
        if key.value == "prices":
            items = value.value if value.id == "sequence" else []
            return [item.start_mark.line + 1 for item in items] or [key.start_mark.line + 1]
    return [1]
