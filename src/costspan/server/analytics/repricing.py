"""The documents of re-pricing: `POST /api/v1/reprice` and what `costspan reprice --json` prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import Period, iso
from costspan.server.analytics.spend import parse_question
from costspan.server.pipeline.repricing import Applied, Repricing
from costspan.server.store.repricing import ALL_TIME, MonthChange, RepricingPlan, Run, Scope

ACTIONS: Final = ("dry-run", "apply", "resume", "undo")
_KEYS: Final = frozenset({"action", "since", "until", "where", "run_id"})


def reprice_document(repricing: Repricing, request: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Do what `request` asks and return what came of it. Raise UsageError, naming what is accepted."""
    unknown = sorted(set(request) - _KEYS)
    if unknown:
        raise UsageError(f"unknown key {', '.join(unknown)}; known: {', '.join(sorted(_KEYS))}")
    action, run_id = request.get("action"), request.get("run_id")
    if action not in ACTIONS:
        raise UsageError(f"action is one of {', '.join(ACTIONS)}, not {action!r}")
    if action in {"resume", "undo"}:
        if not isinstance(run_id, str):
            raise UsageError(f"{action} needs run_id, the run it is about")
        return _undo(repricing, run_id) if action == "undo" else _resume(repricing, run_id)
    scope = _scope(request, now)
    if action == "dry-run":
        return {"action": action, **_plan_document(repricing.dry_run(scope))}
    return {"action": action} | applied_document(repricing.apply(scope, scope_words(scope)))


def runs_document(repricing: Repricing) -> dict[str, Any]:
    """Return every run, and how far the one under way has come."""
    under_way = repricing.progress
    return {
        "card_version": repricing.card.version,
        "runs": [_run(run) for run in repricing.runs()],
        "progress": under_way
        and {"run_id": under_way.run_id, "done_entries": under_way.done, "planned_entries": under_way.planned},
    }


def _resume(repricing: Repricing, run_id: str) -> dict[str, Any]:
    return {"action": "resume"} | applied_document(repricing.resume(run_id, _scope_from_words))


def _undo(repricing: Repricing, run_id: str) -> dict[str, Any]:
    done = repricing.undo(run_id)
    return {"action": "undo", "run": _run(done.run), "restored_entries": done.restored, "left_entries": done.left}


def applied_document(done: Applied) -> dict[str, Any]:
    """Return what a run was to change and what it changed."""
    run = done.run and _run(done.run)
    return {**_plan_document(done.plan), "run": run, "corrected_entries": done.corrected}


def _scope(request: Mapping[str, Any], now: datetime) -> Scope:
    where = request.get("where") or []
    texts = [request.get("since"), request.get("until")]
    if not isinstance(where, list) or not all(isinstance(text, str) for text in where):
        raise UsageError('where is a list of "key:value"')
    if not all(text is None or isinstance(text, str) for text in texts):
        raise UsageError("since and until are text: a day, a month or an age")
    since, until = texts
    parameters = [("filter", text) for text in where]
    parameters += [("since", since or "1970-01-01")] + ([("until", until)] if until else [])
    question = parse_question(parameters, now)
    return Scope(question.period if since or until else ALL_TIME, question.filters)


def scope_words(scope: Scope) -> str:
    """Return a scope as it is kept with its run."""
    filters = [f"{each.key}:{'!' if each.excludes else ''}{each.value or ''}" for each in scope.filters]
    return json.dumps({"since": iso(scope.period.since), "until": iso(scope.period.until), "where": filters})


def _scope_from_words(words: str) -> Scope:
    said = json.loads(words)
    period = Period(datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["until"]))
    question = parse_question([("filter", text) for text in said["where"]], period.until)
    return Scope(period, question.filters)


def _plan_document(plan: RepricingPlan) -> dict[str, Any]:
    return {
        "card_version": plan.card_version,
        "currency": "USD",
        "examined_entries": plan.examined,
        "changed_entries": len(plan.entry_ids),
        "rows": [{"month": each.month, "model": each.model, **_change(each)} for each in plan.changes],
        "total": _change(_sum(plan.changes)),
    }


def _change(change: MonthChange) -> dict[str, Any]:
    return {
        "calls": change.calls,
        "old_cost_usd": None if change.old_cost is None else usd_text(change.old_cost),
        "new_cost_usd": None if change.new_cost is None else usd_text(change.new_cost),
        "difference_usd": usd_text(change.difference),
        "newly_priced_calls": change.newly_priced,
        "newly_unpriced_calls": change.newly_unpriced,
        "uncounted_entries": change.uncounted,
    }


def _sum(changes: Sequence[MonthChange]) -> MonthChange:
    old = [change.old_cost for change in changes if change.old_cost is not None]
    new = [change.new_cost for change in changes if change.new_cost is not None]
    return MonthChange(
        month="",
        model=None,
        calls=sum(change.calls for change in changes),
        old_cost=sum(old) if old else None,
        new_cost=sum(new) if new else None,
        newly_priced=sum(change.newly_priced for change in changes),
        newly_unpriced=sum(change.newly_unpriced for change in changes),
        uncounted=sum(change.uncounted for change in changes),
    )


def _run(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "state": run.state.value,
        "card_version": run.card_version,
        "scope": json.loads(run.scope),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at) if run.finished_at else None,
        "corrected_entries": run.corrected,
        "standing_entries": run.standing,
        "restored_entries": run.restored,
        "difference_usd": usd_text(run.difference),
    }
