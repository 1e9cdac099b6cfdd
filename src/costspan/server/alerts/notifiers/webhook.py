"""A webhook that gets what Prometheus' Alertmanager sends, so that its receivers work: version 4 of its JSON.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import hashlib
import hmac
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.parse import urlsplit

import msgspec

from costspan import __version__
from costspan.core.errors import PermanentError, RetryableError, UsageError
from costspan.core.period import iso
from costspan.server.alerts.amounts import length
from costspan.server.alerts.notification import RULE_LABEL, Notification, ToldAlert
from costspan.server.alerts.notifiers.base import Notifier, NotifierKind, Sending

TIMEOUT_S: Final = 10.0
SIGNATURE: Final = "Costspan-Signature"
_NEVER: Final = "0001-01-01T00:00:00Z"
"""How Alertmanager says that an alert has not ended."""
_COME_BACK: Final = (408, 425, 429)
_FORMATS: Final = ("alertmanager",)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A receiver that points elsewhere is not followed: the address comes from the configuration and nowhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing."""
        del req, fp, code, msg, headers, newurl


@dataclass(frozen=True, slots=True)
class WebhookNotifier:
    """One address. With a secret, `Costspan-Signature: t=SECONDS,v1=HEX` has the HMAC-SHA256 of `SECONDS.BODY`."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    receiver: str = "costspan"

    def send(self, sending: Sending) -> None:
        """Post it. Any 2xx is taken as delivered; 408, 425, 429, 5xx and no answer may succeed later."""
        body = msgspec.json.encode(alertmanager_document(sending.notification, self.receiver))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"costspan/{__version__}",
            "Idempotency-Key": sending.notification.id,
            "Costspan-Attempt": str(sending.attempt),
            **self.headers,
        }
        if self.secret is not None:
            headers[SIGNATURE] = signature(self.secret, body, int(time.time()))
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310 - http(s) checked in _make
        try:
            urllib.request.build_opener(_NoRedirect).open(request, timeout=self.timeout_s).close()
        except urllib.error.HTTPError as error:
            error.close()
            said = f"the receiver answered {error.code}"
            if error.code >= 500 or error.code in _COME_BACK:
                raise RetryableError(said, retry_after_s=_retry_after_s(error.headers.get("Retry-After"))) from None
            raise PermanentError(said) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise RetryableError(f"no answer: {str(reason) or type(reason).__name__}", retry_after_s=1) from None


def signature(secret: str, body: bytes, now_s: int) -> str:
    """Return the value of the signature's header."""
    signed = hmac.new(secret.encode(), f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now_s},v1={signed}"


def alertmanager_document(notification: Notification, receiver: str) -> dict[str, Any]:
    """Return what Alertmanager would send."""
    alerts = [_alert(alert, notification) for alert in notification.alerts]
    return {
        "version": "4",
        "groupKey": f'{{}}:{{{RULE_LABEL}="{notification.rule}"}}',
        "truncatedAlerts": notification.left_out,
        "status": _status(over=notification.is_over),
        "receiver": receiver,
        "groupLabels": {RULE_LABEL: notification.rule},
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": notification.url,
        "alerts": alerts,
    }


def _alert(alert: ToldAlert, notification: Notification) -> dict[str, Any]:
    annotations = {"summary": alert.text, "description": "\n".join(alert.reasons), **dict(alert.facts)}
    return {
        "status": _status(over=alert.ends_at is not None),
        "labels": {name.replace(".", "_"): value for name, value in alert.labels.items()},
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": iso(alert.starts_at),
        "endsAt": _moment(alert.ends_at),
        "generatorURL": f"{notification.url}{alert.link}",
        "fingerprint": alert.fingerprint,
    }


def _status(*, over: bool) -> str:
    return "resolved" if over else "firing"


def _moment(moment: datetime | None) -> str:
    return _NEVER if moment is None else iso(moment)


def _common(said: list[dict[str, str]]) -> dict[str, str]:
    first, *others = said
    return {name: text for name, text in first.items() if all(other.get(name) == text for other in others)}


def _retry_after_s(said: str | None) -> int:
    return int(said) if said and said.isdecimal() and len(said) < 6 else 1


def _make(entry: Mapping[str, Any]) -> Notifier:
    url, headers, secret = entry["webhook"], entry.get("headers", {}), entry.get("secret")
    if not isinstance(url, str) or urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise UsageError("webhook: an http:// or https:// address")
    if not isinstance(headers, Mapping) or not all(
        isinstance(text, str) and text.isprintable() for text in headers.values()
    ):
        raise UsageError("headers: a mapping of names to texts of one line")
    if secret is not None and (not isinstance(secret, str) or not secret):
        raise UsageError("secret: a text; ${NAME} takes it from the environment")
    if entry.get("format", _FORMATS[0]) not in _FORMATS:
        raise UsageError(f"format: known: {', '.join(_FORMATS)}")
    timeout_s = length(entry["timeout"]).total_seconds() if "timeout" in entry else TIMEOUT_S
    return WebhookNotifier(url, dict(headers), secret, timeout_s, str(entry.get("receiver", "costspan")))


WEBHOOK: Final = NotifierKind("webhook", ("webhook", "format", "headers", "secret", "timeout", "receiver"), _make)
