"""The document of `costspan verify`: what a look over the ledger came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from costspan.core.errors import UsageError
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.store.upkeep import Verdict


def verify_document(
    caretaker: Caretaker, request: Mapping[str, Any], progress: Callable[[float], None] = lambda _: None
) -> dict[str, Any]:
    """Look over the ledger, mend its roll-ups where `repair` asks for it, and say what was found. May take minutes."""
    if unknown := sorted(set(request) - {"repair"}):
        raise UsageError(f"unknown key {', '.join(unknown)}; known: repair")
    repair = bool(request.get("repair", False))
    found = caretaker.verify(progress, repair=repair)
    return verdict_document(found) | {"repaired_days": sorted(_mendable(found)) if repair else []}


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return what was found as a document."""
    return {
        "well": verdict.is_well,
        "entries": verdict.entries,
        "findings": [
            {"day": f"{each.day:%Y-%m-%d}", "what": each.what, "rows": each.rows, "rolled_up": each.rolled_up}
            for each in verdict.findings
        ],
    }


def _mendable(verdict: Verdict) -> set[str]:
    return {f"{each.day:%Y-%m-%d}" for each in verdict.findings if each.rolled_up}
