"""`costspan backup`: a consistent copy of the ledger, also while it is served; checked by rows and dollars."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from costspan.cli.ask import add_source_options, answering_server, data_folder
from costspan.cli.download import download
from costspan.cli.table import money_text, progress_bar
from costspan.core.clock import system_clock
from costspan.core.errors import Unreachable, UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `backup`."""
    parser.add_argument(
        "target", type=Path, metavar="FILE|FOLDER", help="where to; in a folder it is named by the time"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Copy, then look whether the copy holds what it has to."""
    target = _target(arguments.target)
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with progress_bar("Copying", 1) as show:
            url = answering_server(arguments)
            promised = _download(url, part, show) if url else _copy(data_folder(arguments), part, show)
        held = _held(part)
        if held != promised:
            raise Unreachable(f"the copy holds {held}, not {promised}; it was thrown away")
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    document = {"file": str(target), "bytes": target.stat().st_size, **held}
    print(json.dumps(document, indent=2) if arguments.json else _sentence(document))
    return 0


def _target(named: Path) -> Path:
    target = named / f"costspan-{system_clock():%Y%m%d-%H%M%S}.duckdb" if named.is_dir() else named
    if target.exists():
        raise UsageError(f"{target} is there already; name another file")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}")
    return target


def _copy(folder: Path, part: Path, show: Callable[[float], None]) -> dict[str, Any]:
    from costspan.server.analytics.upkeep import manifest_document
    from costspan.server.assembly import open_caretaker

    with open_caretaker(folder) as caretaker:
        return manifest_document(caretaker.backup(part, show))


def _download(url: str, part: Path, show: Callable[[float], None]) -> dict[str, Any]:
    headers = download(url, "POST", "/api/v1/backup", part, show)
    promised: dict[str, Any] = json.loads(headers.get("Costspan-Manifest") or "{}")
    return promised


def _held(part: Path) -> dict[str, Any]:
    from costspan.server.analytics.upkeep import manifest_document
    from costspan.server.assembly import backup_manifest

    return manifest_document(backup_manifest(part))


def _sentence(document: dict[str, Any]) -> str:
    return (
        f"{document['file']}: {document['bytes']:,} bytes, {document['rows']['calls']:,} entries of calls, "
        f"{money_text(document['cost_usd'])}. It adds up.\n"
        "costspan.yaml and keys are not in it; they are files to be copied as they are."
    )
