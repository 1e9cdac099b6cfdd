"""Delivery through Apprise: Slack, Teams, e-mail, PagerDuty and whatever else it has a URL for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from costspan.core.errors import RetryableError, UsageError
from costspan.server.alerts.notification import Kind
from costspan.server.alerts.notifiers.base import Notifier, NotifierKind, Sending

if TYPE_CHECKING:
    from apprise import Apprise

_RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True)
class AppriseNotifier:
    """The services behind one or more Apprise URLs. Where one of several fails, all are sent to again."""

    services: Apprise = field(repr=False)

    def send(self, sending: Sending) -> None:
        """Send title and text. Apprise does not say why a delivery failed, so every failure may succeed later."""
        notification = sending.notification
        sent = self.services.notify(
            title=notification.title,
            body=notification.body(in_doubt=sending.in_doubt),
            body_format="text",
            notify_type=_type_of(notification.kind, notification.severity),
        )
        if not sent:
            raise RetryableError("the service did not take it", retry_after_s=_RETRY_AFTER_S)


def _type_of(kind: Kind, severity: str) -> Any:
    from apprise import NotifyType  # noqa: PLC0415 - half a second, and only where it is used

    if kind is Kind.RESOLVED:
        return NotifyType.SUCCESS
    if kind is Kind.TEST:
        return NotifyType.INFO
    return NotifyType.FAILURE if severity == "critical" else NotifyType.WARNING


def _make(entry: Mapping[str, Any]) -> Notifier:
    from apprise import Apprise  # noqa: PLC0415 - half a second, and only where it is used

    said = entry["url"]
    services = Apprise()
    for place, url in enumerate(said if isinstance(said, Sequence) and not isinstance(said, str) else [said], 1):
        if not isinstance(url, str) or not services.add(url):
            # The address holds the secret, so it is not said.
            scheme = str(url).partition("://")[0] if "://" in str(url) else "no scheme"
            raise UsageError(f"url: number {place} ({scheme}) is no URL that Apprise knows")
    return AppriseNotifier(services)


APPRISE: Final = NotifierKind("url", ("url",), _make)
