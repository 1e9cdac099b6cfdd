"""The documents of `costspan verify` and `costspan replay`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import parse_period
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.replay import ALL_TIME, Replay
from costspan.server.store.upkeep import Manifest, Verdict


def verify_document(
    caretaker: Caretaker, request: Mapping[str, Any], progress: Callable[[float], None] = lambda _: None
) -> dict[str, Any]:
    """Look over the ledger, mend its roll-ups where `repair` asks for it, and say what was found. May take minutes."""
    if unknown := sorted(set(request) - {"repair"}):
        raise UsageError(f"unknown key {', '.join(unknown)}; known: repair")
    repair = bool(request.get("repair", False))
    found = caretaker.verify(progress, repair=repair)
    return verdict_document(found) | {"repaired_days": sorted(_mendable(found)) if repair else []}


def replay_document(
    replay: Replay,
    request: Mapping[str, Any],
    now: datetime,
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """Read received records again and say what that changes. Raise UsageError for a request that makes no sense."""
    if unknown := sorted(set(request) - {"since", "until", "dry_run"}):
        raise UsageError(f"unknown key {', '.join(unknown)}; known: since, until, dry_run")
    since, until = request.get("since"), request.get("until")
    period = parse_period(since, until, now) if since or until else ALL_TIME
    dry_run = bool(request.get("dry_run", True))
    found = replay.run(period, dry_run=dry_run, progress=progress)
    return {
        "dry_run": dry_run,
        "records": found.records,
        "new_calls": found.new_calls,
        "changed_calls": found.changed_calls,
        "lost_calls": found.lost_calls,
        "corrected_entries": found.entries,
        "cost_before_usd": usd_text(found.cost_before),
        "cost_after_usd": usd_text(found.cost_after),
        "difference_usd": usd_text(found.cost_after - found.cost_before),
    }


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """Return what a copy of a ledger holds as a document."""
    return {"rows": dict(manifest.rows), "cost_usd": usd_text(manifest.cost)}


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
