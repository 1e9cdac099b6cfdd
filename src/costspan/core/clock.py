"""Time as a value: whoever needs "now" takes a `Clock`, so that a test can choose it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current moment, in UTC."""

NS_PER_S = 1_000_000_000


def system_clock() -> datetime:
    """Return the machine's current time in UTC."""
    return datetime.now(UTC)


def now_ns() -> int:
    """Return the machine's current time in nanoseconds since 1970-01-01 UTC, as OTLP counts it."""
    return time.time_ns()


def utc_from_ns(moment_ns: int) -> datetime:
    """Return nanoseconds since 1970-01-01 UTC as a datetime, cut to whole microseconds."""
    seconds, rest_ns = divmod(moment_ns, NS_PER_S)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // 1000)


def ns_from_utc(moment: datetime) -> int:
    """Return an aware datetime as nanoseconds since 1970-01-01 UTC, exactly."""
    whole = moment.astimezone(UTC)
    return int(whole.replace(microsecond=0).timestamp()) * NS_PER_S + whole.microsecond * 1000
