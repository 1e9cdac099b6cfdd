"""The states of an alert: inactive, pending, firing, resolved; and the one step from a verdict to the next of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from costspan.server.alerts.conditions.base import Group, Truth, Verdict
from costspan.server.alerts.rule import Missing, Rule
from costspan.server.store.alerts import AlertKey

RESOLVED_KEPT: Final = timedelta(minutes=15)
"""How long an alert is shown as resolved before it is inactive again."""
GROUP_KEPT: Final = timedelta(days=7)
"""How long a group whose silence is an alert is remembered after its last call."""


class State(StrEnum):
    """Where an alert is. Only a group that is worth remembering is kept while it is inactive."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One group of one rule, and where it stands.

    `fired_at` names the episode: an alert that fires again is another one. `told_at` is when somebody was last told
    that it fires, None where nobody was, or where they were told since that it is over.
    """

    rule: str
    group: Group
    state: State
    since: datetime
    seen_at: datetime
    """When there was last data on it."""
    verdict: Verdict
    fired_at: datetime | None = None
    clear_since: datetime | None = None
    """While it fires: since when the condition is not met any more."""
    told_at: datetime | None = None
    told: tuple[str, ...] = ()
    """The notifiers that were told that it fires."""
    note: str = ""
    """Why nobody was told."""

    @property
    def key(self) -> AlertKey:
        """Where it is kept."""
        return self.rule, group_key(self.group)


def group_key(group: Group) -> str:
    """Return the text of a group: two groups are one when their texts are equal."""
    return msgspec.json.encode(group).decode()


def step(before: Alert | None, verdict: Verdict, rule: Rule, at: datetime) -> Alert | None:
    """Return where an alert stands after the verdict of the moment `at`; None is inactive and not worth keeping."""
    if verdict.truth is Truth.NO_DATA:
        if rule.missing is Missing.KEEP:
            return before
        is_met = rule.missing is Missing.ALERT and not _is_forgotten(before, at)
    else:
        is_met = verdict.truth is Truth.MET
    after = _met(before, verdict, rule, at) if is_met else _not_met(before, verdict, rule, at)
    if after is not None and verdict.truth is not Truth.NO_DATA:
        after = replace(after, seen_at=at)
    return after


def retired(before: Alert, at: datetime) -> Alert | None:
    """Return where an alert stands whose rule is not there any more: over where it fired, gone otherwise."""
    if before.state is not State.FIRING:
        return None
    verdict = replace(before.verdict, text=f"{before.rule} is not in costspan.yaml any more", reasons=())
    return replace(before, state=State.RESOLVED, since=at, clear_since=None, verdict=verdict)


def _is_forgotten(before: Alert | None, at: datetime) -> bool:
    return before is not None and bool(before.group) and at - before.seen_at > GROUP_KEPT


def _met(before: Alert | None, verdict: Verdict, rule: Rule, at: datetime) -> Alert:
    if before is not None and before.state is State.FIRING:
        return replace(before, verdict=verdict, clear_since=None)
    if before is not None and before.state is State.PENDING:
        pending = replace(before, verdict=verdict)
    else:
        # A new episode. Where nobody was told of the end of the one before, they still believe that it fires.
        untold = before is not None and before.told_at is not None
        pending = Alert(
            rule=rule.name,
            group=verdict.group,
            state=State.PENDING,
            since=at,
            seen_at=before.seen_at if before else at,
            verdict=verdict,
            told_at=before.told_at if before and untold else None,
            told=before.told if before and untold else (),
        )
    if at - pending.since < rule.hold:
        return pending
    return replace(pending, state=State.FIRING, since=at, fired_at=at, note="")


def _not_met(before: Alert | None, verdict: Verdict, rule: Rule, at: datetime) -> Alert | None:
    if before is not None and before.state is State.FIRING:
        clear_since = before.clear_since or at
        if at - clear_since < rule.keep_firing_for:
            return replace(before, verdict=verdict, clear_since=clear_since)
        return replace(before, verdict=verdict, state=State.RESOLVED, since=at, clear_since=None)
    if before is not None and before.state in (State.PENDING, State.RESOLVED):
        since = before.since if before.state is State.RESOLVED else at
        # Kept until somebody was told of the end of what they were told of.
        if before.told_at is not None or (before.state is State.RESOLVED and at - since < RESOLVED_KEPT):
            return replace(before, verdict=verdict, state=State.RESOLVED, since=since)
    if rule.missing is not Missing.ALERT or not verdict.group or (before and _is_forgotten(before, at)):
        return None
    return Alert(
        rule=rule.name,
        group=verdict.group,
        state=State.INACTIVE,
        since=before.since if before and before.state is State.INACTIVE else at,
        seen_at=before.seen_at if before else at,
        verdict=verdict,
    )
