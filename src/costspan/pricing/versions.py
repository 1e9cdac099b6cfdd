"""Catalogues beside the built-in one: archived under a data folder, one of them active if somebody said so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from costspan.core.errors import UsageError
from costspan.pricing.load import CATALOGUE, INDEX

FOLDER: Final = "catalogue-versions"
BUILT_IN: Final = "built-in"
_ACTIVE: Final = "active"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def archived(data: Path) -> list[str]:
    """Return the names of the archived versions."""
    return sorted(path.parent.name for path in (data / FOLDER).glob(f"*/{INDEX}"))


def folder_of(data: Path, name: str) -> Path:
    """Return the folder of a version. Raise UsageError, listing what there is, for one that is not there."""
    if name == BUILT_IN:
        return CATALOGUE
    if not _NAME.fullmatch(name) or name not in archived(data):
        raise UsageError(f"there is no version {name!r}; there are {', '.join([BUILT_IN, *archived(data)])}")
    return data / FOLDER / name


def active(data: Path) -> str:
    """Return the name of the version that prices are taken from."""
    chosen = data / FOLDER / _ACTIVE
    return chosen.read_text(encoding="utf-8").strip() if chosen.exists() else BUILT_IN


def activate(data: Path, name: str) -> None:
    """Take prices from a version from the next start or re-pricing on. Raise UsageError where there is none."""
    folder_of(data, name)
    (data / FOLDER).mkdir(parents=True, exist_ok=True)
    (data / FOLDER / _ACTIVE).write_text(f"{name}\n", encoding="utf-8")
