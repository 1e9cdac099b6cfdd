"""The documents of `/api/v1/alerts` as text, for `costspan alerts`."""

from __future__ import annotations

from typing import Any

from costspan.cli.table import count_text, render_table

_EMPTY = """No alerts. Rules to begin with, for costspan.yaml:

  costspan alerts starter"""


def standing_text(document: dict[str, Any]) -> str:
    """Return rules, then the alerts that do not rest, then what else is worth knowing."""
    if not document["rules"] and not document["alerts"]:
        return _EMPTY
    rules = [
        [rule["name"], rule["state"], rule["severity"], rule["text"], ", ".join(rule["notify"])]
        for rule in document["rules"]
    ]
    parts = [render_table(("Rule", "State", "Severity", "Watches", "Tells"), rules, words=5)]
    parts += [f"{rule['name']} could not be judged: {rule['problem']}" for rule in document["rules"] if rule["problem"]]
    parts += [_alert_text(alert) for alert in document["alerts"]]
    parts += [silence_text(silence) for silence in document["silences"]]
    if document["dead_letters"]:
        parts.append(f"{document['dead_letters']} notifications were given up: costspan alerts undelivered")
    return "\n\n".join(parts)


def check_text(document: dict[str, Any]) -> str:
    """Return what fires or is about to, or that nothing does."""
    if not document["rules"]:
        return _EMPTY
    said = [_alert_text(alert) for alert in document["alerts"]]
    return "\n\n".join([*said, f"{document['firing']} of {len(document['rules'])} rules' alerts fire"])


def _alert_text(alert: dict[str, Any]) -> str:
    since = alert["fired_at"] if alert["state"] == "firing" else alert["since"]
    note = f" ({alert['note']})" if alert["note"] else ""
    lines = [f"{alert['state'].upper()} {alert['rule']} since {since}{note}", f"  {alert['text']}"]
    return "\n".join([*lines, *(f"  {reason}" for reason in alert["reasons"])])


def history_text(document: dict[str, Any]) -> str:
    """Return what fired and ended."""
    if not document["events"]:
        return "Nothing has fired yet."
    rows = [
        [event["at"], event["state"], event["rule"], event["text"] + (f" ({event['note']})" if event["note"] else "")]
        for event in document["events"]
    ]
    return render_table(("At", "Became", "Rule", "Because"), rows, words=4)


def backtest_text(document: dict[str, Any]) -> str:
    """Return how often a rule would have fired, and when."""
    fired = document["fired"]
    times = "not have fired" if not fired else f"have fired {count_text(fired)} time{'s' if fired > 1 else ''}"
    lines = [f"{document['rule']} ({document['text']})"]
    lines += [f"would {times} from {document['since']} to {document['until']}"]
    if document["step_s"] > document["every_s"]:
        lines.append(f"looked every {document['step_s'] / 60:.0f} min, so shorter ones are not seen")
    lines += [f"  {each['since']} to {each['until'] or 'now'}: {each['text']}" for each in document["episodes"]]
    return "\n".join(lines)


def undelivered_text(document: dict[str, Any]) -> str:
    """Return the notifications that were given up."""
    if not document["notifications"]:
        return "Every notification was delivered or is still being tried."
    rows = [
        [each["id"], each["notifier"], each["created_at"], each["title"], each["error"] or "", str(each["attempts"])]
        for each in document["notifications"]
    ]
    return render_table(("Id", "Notifier", "Since", "What", "Why not", "Attempts"), rows, words=5)


def sent_text(document: dict[str, Any]) -> str:
    """Return that a test notification was taken."""
    return f"{document['notifier']} took the test notification {document['id']}"


def queued_text(document: dict[str, Any]) -> str:
    """Return that a notification is queued again."""
    return f"{document['id']} is queued again"


def silence_text(document: dict[str, Any]) -> str:
    """Return a silence."""
    why = f" ({document['comment']})" if document["comment"] else ""
    if not document["active"]:
        return f"silence {document['id']} has ended"
    return f"silence {document['id']} of {' and '.join(document['matchers'])} until {document['ends_at']}{why}"
