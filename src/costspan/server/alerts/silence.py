"""Silences: alerts that nobody is to be told of for a while. They fire and end all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from costspan.core.errors import UsageError
from costspan.server.alerts.conditions.base import Group
from costspan.server.alerts.rule import Rule
from costspan.server.store.alerts import StoredSilence

RULE, SEVERITY = "rule", "severity"


def labels_of(rule: Rule, group: Group) -> dict[str, str]:
    """Return what an alert can be told by: its rule, severity and labels, and the values of its group."""
    return {
        **rule.labels,
        **{key: value or "" for key, value in group},
        RULE: rule.name,
        SEVERITY: rule.severity,
    }


def checked_matchers(matchers: Sequence[str]) -> tuple[str, ...]:
    """Return matchers `key:value` or `key:!value`. Raise UsageError where there is none, or a wrong one."""
    if not matchers:
        raise UsageError("a silence needs at least one matcher, such as rule:daily-spend or team:search")
    for matcher in matchers:
        key, colon, _ = matcher.partition(":")
        if not colon or not key:
            raise UsageError(f"matcher {matcher!r} is not key:value (key:!value for any other value)")
    return tuple(matchers)


def is_active(silence: StoredSilence, now: datetime) -> bool:
    """Return whether a silence holds now."""
    return silence.starts_at <= now < silence.ends_at


def silences(silence: StoredSilence, labels: Mapping[str, str]) -> bool:
    """Return whether all matchers of a silence fit the labels."""
    return all(_fits(matcher, labels) for matcher in silence.matchers)


def _fits(matcher: str, labels: Mapping[str, str]) -> bool:
    key, _, value = matcher.partition(":")
    if value.startswith("!"):
        return labels.get(key, "") != value[1:]
    return labels.get(key, "") == value
