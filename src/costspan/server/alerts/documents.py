"""What the API says of alerts: rules, how they stand, what they did, what is silenced and what could not be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from costspan.core.errors import NotFound, UsageError
from costspan.core.period import iso, parse_period
from costspan.server.alerts.amounts import MeasureUnit, length_text, value_text
from costspan.server.alerts.backtest import alerts_now, backtest
from costspan.server.alerts.conditions.base import Group, Sources, Verdict
from costspan.server.alerts.evaluator import alert_of
from costspan.server.alerts.measures import watched
from costspan.server.alerts.notification import Notification
from costspan.server.alerts.rule import NO_TIME, Anomaly, BudgetAlert, Rule, Threshold
from costspan.server.alerts.silence import is_active
from costspan.server.alerts.state import Alert, State
from costspan.server.store.alerts import AlertReader, QueuedNotification, SendState, StoredSilence

MOST_ROWS: Final = 1_000
_VERDICT: Final = msgspec.json.Decoder(Verdict)
_GROUP: Final = msgspec.json.Decoder(Group)
_NOTIFICATION: Final = msgspec.json.Decoder(Notification)
_ORDER: Final = (State.FIRING, State.PENDING, State.RESOLVED, State.INACTIVE)

Parameters = Sequence[tuple[str, str]]


def alerts_document(
    rules: Sequence[Rule],
    reader: AlertReader,
    now: datetime,
    *,
    problems: Mapping[str, str] | None = None,
    notifiers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return every rule of the configuration and every alert that is pending, fires or was resolved just now."""
    standing = reader.standing()
    alerts = [alert_of(document) for document in standing.standing.values()]
    shown = sorted((a for a in alerts if a.state is not State.INACTIVE), key=lambda a: (_ORDER.index(a.state), a.key))
    dead = reader.notifications([SendState.DEAD], MOST_ROWS)
    return {
        "now": iso(now),
        "rules": [
            _rule_document(rule, [alert for alert in alerts if alert.rule == rule.name])
            | {"judged_at": _moment(standing.judged_at.get(rule.name)), "problem": (problems or {}).get(rule.name)}
            for rule in rules
        ],
        "alerts": [_alert_document(alert, _severities(rules)) for alert in shown],
        "silences": [silence_document(each, now) for each in standing.silences if each.ends_at > now],
        "notifiers": list(notifiers),
        "dead_letters": len(dead),
    }


def check_document(
    rules: Sequence[Rule], sources: Sources, now: datetime, parameters: Parameters = ()
) -> dict[str, Any]:
    """Judge every rule, or the one named, as of now and from the ledger alone; `firing` is how many alerts fire."""
    asked = _known(parameters, "rule")
    chosen = [rule_named(rules, asked["rule"])] if "rule" in asked else rules
    found = [(rule, list(alerts_now(rule, sources, now).values())) for rule in chosen]
    alerts = [alert for _, of in found for alert in of if alert.state in (State.FIRING, State.PENDING)]
    return {
        "now": iso(now),
        "rules": [_rule_document(rule, of) for rule, of in found],
        "alerts": [_alert_document(alert, _severities(rules)) for alert in alerts],
        "firing": sum(alert.state is State.FIRING for alert in alerts),
    }


def history_document(reader: AlertReader, parameters: Parameters) -> dict[str, Any]:
    """Return what alerts did, the latest first: `rule` and `limit` may be given."""
    asked = _known(parameters, "rule", "limit")
    events = reader.events(_limit(asked), asked.get("rule"))
    return {
        "events": [
            {"at": iso(event.at), "rule": event.key[0], "group": _group_document(_GROUP.decode(event.key[1]))}
            | {"state": event.state, "note": event.note}
            | _verdict_document(_VERDICT.decode(event.document))
            for event in events
        ]
    }


def notifications_document(reader: AlertReader, parameters: Parameters) -> dict[str, Any]:
    """Return notifications, the latest first: `state` (queued, sending, sent, dead; all by default) and `limit`."""
    asked = _known(parameters, "state", "limit")
    try:
        states = [SendState(asked["state"])] if "state" in asked else list(SendState)
    except ValueError:
        raise UsageError(f"unknown state {asked['state']!r}; known: {', '.join(SendState)}") from None
    return {"notifications": [_queued_document(each) for each in reader.notifications(states, _limit(asked))]}


def backtest_document(rules: Sequence[Rule], sources: Sources, parameters: Parameters, now: datetime) -> dict[str, Any]:
    """Return when a rule would have fired: `rule`, `since` (30 days ago by default) and `until`."""
    asked = _known(parameters, "rule", "since", "until")
    if "rule" not in asked:
        raise UsageError("name the rule: rule=NAME")
    rule = rule_named(rules, asked["rule"])
    period = parse_period(asked.get("since"), asked.get("until"), now)
    if period.until - period.since > timedelta(days=366):
        raise UsageError("a backtest looks at 366 days at most")
    found = backtest(rule, sources, period)
    return {
        "rule": rule.name,
        "text": rule_text(rule),
        "since": iso(period.since),
        "until": iso(period.until),
        "step_s": found.step.total_seconds(),
        "every_s": rule.every.total_seconds(),
        "fired": len(found.episodes),
        "episodes": [
            {
                "since": iso(each.since),
                "until": _moment(each.until),
                "group": _group_document(each.verdict.group),
                **_verdict_document(each.verdict),
            }
            for each in found.episodes
        ],
    }


def rule_named(rules: Sequence[Rule], name: str) -> Rule:
    """Return a rule. Raise NotFound, listing those there are, where it is not there."""
    for rule in rules:
        if rule.name == name:
            return rule
    raise NotFound(f"no rule {name!r}; rules of costspan.yaml: {', '.join(rule.name for rule in rules) or 'none'}")


def silence_document(silence: StoredSilence, now: datetime) -> dict[str, Any]:
    """Return a silence."""
    return {
        "id": silence.id,
        "matchers": list(silence.matchers),
        "starts_at": iso(silence.starts_at),
        "ends_at": iso(silence.ends_at),
        "active": is_active(silence, now),
        "comment": silence.comment,
        "author": silence.author,
    }


def rule_text(rule: Rule) -> str:
    """Return what a rule watches as one line: `cost in 24 h over $500, by feature, for 10 min`."""
    what = watched(rule.measure)
    match rule.condition:
        case Threshold(above=above, below=below):
            words = [("over", above), ("under", below)]
            limits = " or ".join(f"{word} {value_text(what.unit, limit)}" for word, limit in words if limit is not None)
            said = f"{what.says} in {length_text(rule.window)} {limits}"
        case Anomaly(baseline=baseline, ratio=ratio):
            said = f"{what.says} over {ratio:f} times what the last {length_text(baseline)} let expect"
        case BudgetAlert(budget=budget, levels=levels):
            said = f"budget {budget} spent to {', '.join(value_text(MeasureUnit.SHARE, level) for level in levels)}"
    parts = [said]
    parts += [f"where {_where_text(rule)}"] if rule.filters else []
    parts += [f"by {', '.join(rule.group_by)}"] if rule.group_by else []
    parts += [f"for {length_text(rule.hold)}"] if rule.hold > NO_TIME else []
    return ", ".join(parts)


def _where_text(rule: Rule) -> str:
    said: dict[str, list[str]] = {}
    for each in rule.filters:
        said.setdefault(f"{each.key} is not" if each.excludes else f"{each.key} is", []).append(each.value or "not set")
    return " and ".join(f"{key} {' or '.join(values)}" for key, values in said.items())


def _rule_document(rule: Rule, alerts: Sequence[Alert]) -> dict[str, Any]:
    states = [state for state in _ORDER if any(alert.state is state for alert in alerts)]
    return {
        "name": rule.name,
        "kind": _KINDS[type(rule.condition)],
        "text": rule_text(rule),
        "measure": rule.measure,
        "group_by": list(rule.group_by),
        "severity": rule.severity,
        "labels": dict(rule.labels),
        "notify": list(rule.notify),
        "missing": rule.missing.value,
        "min_samples": rule.min_samples,
        "window_s": rule.window.total_seconds(),
        "every_s": rule.every.total_seconds(),
        "delay_s": rule.delay.total_seconds(),
        "for_s": rule.hold.total_seconds(),
        "keep_firing_for_s": rule.keep_firing_for.total_seconds(),
        "repeat_s": rule.repeat.total_seconds() if rule.repeat else None,
        "inhibits": list(rule.inhibits),
        "state": (states[0] if states else State.INACTIVE).value,
        "firing": sum(alert.state is State.FIRING for alert in alerts),
    }


_KINDS: Final = {Threshold: "threshold", Anomaly: "anomaly", BudgetAlert: "budget"}


def _severities(rules: Sequence[Rule]) -> dict[str, str]:
    return {rule.name: rule.severity for rule in rules}


def _alert_document(alert: Alert, severities: Mapping[str, str]) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "severity": severities.get(alert.rule, ""),
        "group": _group_document(alert.group),
        "state": alert.state.value,
        "since": iso(alert.since),
        "fired_at": _moment(alert.fired_at),
        "told_at": _moment(alert.told_at),
        "told": list(alert.told),
        "note": alert.note,
        **_verdict_document(alert.verdict),
    }


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    return {
        "text": verdict.text,
        "reasons": list(verdict.reasons),
        "facts": dict(verdict.facts),
        "unit": verdict.unit.value,
        "observed": None if verdict.observed is None else f"{verdict.observed:f}",
        "limit": None if verdict.limit is None else f"{verdict.limit:f}",
        "samples": verdict.samples,
        "share_priced": verdict.share_priced,
        "link": verdict.link,
    }


def _queued_document(queued: QueuedNotification) -> dict[str, Any]:
    notification = _NOTIFICATION.decode(queued.document)
    return {
        "id": queued.id,
        "notifier": queued.notifier,
        "rule": queued.rule,
        "kind": notification.kind.value,
        "title": notification.title,
        "state": queued.state.value,
        "attempts": queued.attempts,
        "error": queued.error or None,
        "created_at": iso(queued.created_at),
        "due_at": iso(queued.due_at),
    }


def _group_document(group: Group) -> dict[str, str | None]:
    return dict(group)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _known(parameters: Parameters, *names: str) -> dict[str, str]:
    unknown = [name for name, _ in parameters if name not in names]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(names) or 'none'}")
    return dict(parameters)


def _limit(asked: Mapping[str, str]) -> int:
    text = asked.get("limit", "100")
    if not text.isdecimal() or not 1 <= int(text[:6]) <= MOST_ROWS:
        raise UsageError(f"limit {text[:20]!r} is not a whole number from 1 to {MOST_ROWS}")
    return int(text[:6])
