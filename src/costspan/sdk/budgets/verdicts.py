"""The server's verdict on a budget, fetched in the background: a call is answered from the last one.

A call waits only where there is none that serves, at the beginning or after a long pause, and `wait_s` seconds at most;
where the last question failed it does not wait at all.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

from costspan.core.budget_decision import Standing
from costspan.core.money import pico_from_usd
from costspan.core.period import Period
from costspan.sdk.safety import log_once

TIMEOUT_S: Final = 5.0
RETRY_S: Final = 1.0
"""The least time between two questions."""
ARRIVAL_S: Final = 5.0
"""How long a call that has ended may take to be counted by the server; so long it is counted here as well."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server said; when it answered, by the monotonic clock, and when it was asked, in seconds since 1970."""

    standing: Standing
    max_age_s: float
    answered_s: float
    asked_at_s: float


class Verdicts:
    """The latest verdict on budget `name` of the server at `url`."""

    def __init__(
        self,
        name: str,
        url: str,
        headers: Mapping[str, str],
        *,
        wait_s: float,
        max_stale_s: float,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = f"{url.rstrip('/')}/api/v1/budgets/verdict?budget={quote(name, safe='')}"
        self._name = name
        self._headers = dict(headers)
        self._wait_s = wait_s
        self._max_stale_s = max_stale_s
        self._clock_s = clock_s
        self._latest: Verdict | None = None
        self.renew_locks()
        self._refresh()

    def renew_locks(self) -> None:
        """Start afresh in a forked child, which has the parent's locks but not its threads."""
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._asking = False
        self._failed = False
        self._asked_s = -math.inf

    @property
    def is_awaited(self) -> bool:
        """True where no verdict serves, and the last question has not failed."""
        return not self._failed and self._serving() is None

    def wait(self) -> None:
        """Wait for a verdict where one is awaited, `wait_s` seconds at most."""
        if self.is_awaited:
            self._refresh()
            self._answered.wait(self._wait_s)

    def standing(self) -> tuple[Standing, float] | None:
        """Return what the server said, and from when on (seconds since 1970) our own spending is not in it.

        None where no verdict came, or the last one is too old. An old one is renewed meanwhile.
        """
        serving = self._serving()
        if serving is None or self._age_s(serving) >= min(serving.max_age_s, self._max_stale_s / 2):
            self._refresh()
        return (serving.standing, serving.asked_at_s - ARRIVAL_S) if serving else None

    def _serving(self) -> Verdict | None:
        latest = self._latest
        return latest if latest and self._age_s(latest) <= self._max_stale_s else None

    def _age_s(self, verdict: Verdict) -> float:
        return self._clock_s() - verdict.answered_s

    def _refresh(self) -> None:
        with self._lock:
            if self._asking or self._clock_s() - self._asked_s < RETRY_S:
                return
            self._asking, self._asked_s = True, self._clock_s()
            self._answered.clear()
        try:
            threading.Thread(target=self._ask, name="costspan-budget", daemon=True).start()
        except RuntimeError:  # the interpreter is shutting down
            self._asking, self._failed = False, True
            self._answered.set()

    def _ask(self) -> None:
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        asked_at_s = time.time()
        try:
            request = Request(self._address, headers=self._headers)  # noqa: S310 - the address the user configured
            with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                document = json.load(response)
            self._latest = Verdict(_standing(document), float(document["max_age_s"]), self._clock_s(), asked_at_s)
            self._failed = False
        except HTTPError as error:
            self._failed = True
            log_once(f"costspan: no verdict on budget {self._name!r}: HTTP {error.code} from {self._address}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the budget is unavailable
            self._failed = True
            log_once(f"costspan: no verdict on budget {self._name!r} from {self._address}: {error}")
        finally:
            self._asking = False
            self._answered.set()


def _standing(document: Mapping[str, Any]) -> Standing:
    if not isinstance(document["allowed"], bool):
        raise TypeError(f"allowed: {document['allowed']!r}")
    period = Period(datetime.fromisoformat(document["since"]), datetime.fromisoformat(document["until"]))
    return Standing(
        amount=pico_from_usd(document["amount_usd"]),
        spent=pico_from_usd(document["spent_usd"]),
        period=period,
        refused=None if document["allowed"] else str(document["reason"]),
    )
