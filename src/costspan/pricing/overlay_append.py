"""Add one entry to the `prices:` of a costspan.yaml as text, so that comments and layout of its owner stay."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costspan.core.errors import ConfigError
from costspan.pricing.overlay_file import read_overlays


def append_overlay(path: Path, entry: Mapping[str, str]) -> None:
    """Write `entry` at the end of the file's `prices:`, which is made where there is none.

    The new text is read back before it replaces the old: it must say what the old one said and the entry, and the
    entry must be a valid overlay. Otherwise the file stays as it is and ConfigError says why. Needs PyYAML.
    """
    import yaml  # noqa: PLC0415 - only a configuration needs it; pricing itself runs on the standard library

    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        before = yaml.safe_load(text) or {}
        added = _added(yaml.compose(text, Loader=yaml.SafeLoader), text, entry, path)
        after = yaml.safe_load(added)
    except OSError as wrong:
        raise ConfigError(f"{path}: {wrong.strerror}") from wrong
    except yaml.YAMLError as wrong:
        raise ConfigError(f"{path}: not YAML: {wrong}") from wrong
    if after != {**before, "prices": [*(before.get("prices") or []), dict(entry)]}:
        raise ConfigError(f"{path}: cannot be extended as it is written; add this under prices: {_flow(entry)}")
    _replace(path, added)


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        read_overlays(draft)
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        os.replace(draft, path)
    except ConfigError as wrong:
        raise ConfigError(str(wrong).replace(str(draft), str(path))) from None
    except OSError as wrong:
        raise ConfigError(f"{path}: {wrong.strerror}") from wrong
    finally:
        draft.unlink(missing_ok=True)


def _added(document: Any, text: str, entry: Mapping[str, str], path: Path) -> str:
    if document is not None and document.id != "mapping":
        raise ConfigError(f"{path}: a mapping of settings is expected")
    listed = (
        next((pair for pair in document.value if pair[0].value == "prices"), None) if document is not None else None
    )
    if listed is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}prices:\n  - {_flow(entry)}\n"
    key, value = listed
    if value.id == "sequence" and value.flow_style:
        end = value.end_mark.index - 1
        return f"{text[:end]}{', ' if value.value else ''}{_flow(entry)}{text[end:]}"
    is_block = value.id == "sequence"
    if not is_block and value.value:
        raise ConfigError(f"{path}:{key.end_mark.line + 1}: prices: a list of entries")
    last_line = _last_line(value.value[-1]) if is_block else key.end_mark.line
    indent = value.start_mark.column if is_block else 2
    lines = text.splitlines(keepends=True)
    if not lines[last_line].endswith("\n"):
        lines[last_line] += "\n"
    lines.insert(last_line + 1, f"{' ' * indent}- {_flow(entry)}\n")
    return "".join(lines)


def _last_line(node: Any) -> int:
    """Return the line a node ends on; the end of a block is reported where the next begins, after comments."""
    if node.id == "mapping" and not node.flow_style:
        return max(_last_line(value) for _, value in node.value)
    if node.id == "sequence" and not node.flow_style:
        return _last_line(node.value[-1])
    return int(node.end_mark.line)


def _flow(entry: Mapping[str, str]) -> str:
    # JSON's strings are YAML's double-quoted ones, whatever a model is called.
    return "{" + ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()) + "}"
