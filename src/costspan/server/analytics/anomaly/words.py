"""What is said of an anomaly: the cause first, then dollars, then who is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from costspan.core.money import usd_from_pico
from costspan.server.analytics.anomaly.explain import Contribution, Explanation

if TYPE_CHECKING:
    from costspan.server.analytics.anomaly.findings import Anomaly

CAUSES: Final = {
    "calls": "more calls than usual",
    "cost": "more spent than usual",
    "cost_per_call": "a typical call costs more",
    "input_per_call": "a typical call sends more tokens",
    "output_per_call": "a typical answer is longer",
    "price_per_token": "a token costs more (model, mode, cache or price)",
    "new_group": "new, and already among those that spend",
}
"""Channel -> what it says."""
_DRIVERS: Final = {
    "calls": "more calls",
    "retries": "retries",
    "model_mix": "dearer models",
    "input_tokens": "more input tokens a call",
    "output_tokens": "more output tokens a call",
    "cache_share": "less read from cache",
    "price": "higher prices",
    "fees": "fees",
    "other": "amounts without calls",
}
_WORTH_NAMING: Final = 0.5
"""Share of a change that makes one user, prompt or model the one behind it."""
_MOST: Final = 3


def cause(anomaly: Anomaly, why: Explanation | None = None) -> str:
    """Return the cause in words: the largest driver of the change where it is known, else what gave alarm."""
    if why is None or anomaly.channel == "new_group":
        return CAUSES[anomaly.channel]
    part, amount = max(why.parts.items(), key=lambda item: item[1])
    return _DRIVERS[part] if amount > 0 else CAUSES[anomaly.channel]


def figures(anomaly: Anomaly) -> str:
    """Return `last 15 min: expected $4.10, got $33.60: 8.2x`."""
    ratio = ""
    if anomaly.expected_usd > 0:
        ratio = f": {_times(anomaly.observed_usd / anomaly.expected_usd)}"
    if anomaly.channel == "calls":
        ratio += f" (calls {_times(anomaly.ratio)})"
    expected, got = _dollars(anomaly.expected_usd), _dollars(anomaly.observed_usd)
    return f"last {span_text(anomaly.window.until - anomaly.window.since)}: expected {expected}, got {got}{ratio}"


def reasons(why: Explanation) -> list[str]:
    """Return the drivers that raised the cost, and who is behind it, the weightiest first."""
    change = why.observed - why.usual
    raised = sorted((item for item in why.parts.items() if item[1] > 0), key=lambda item: -item[1])[:_MOST]
    said = [f"{_DRIVERS[part]}: +{_pico(amount)}{_share(amount, change)}" for part, amount in raised]
    return said + [
        f"{each.key} {each.value or '(not set)'}: +{_pico(each.change)}{_share(each.change, change)}"
        for each in named(why.behind, change)
    ]


def named(behind: Sequence[Contribution], change: int) -> list[Contribution]:
    """Return who is behind most of a change: at most one of each key."""
    first = {each.key: each for each in reversed(behind)}
    return [each for each in first.values() if change > 0 and each.change >= _WORTH_NAMING * change][::-1]


def span_text(length: timedelta) -> str:
    """Return the length of a window as `5 min`, `6 h`, `3 days`."""
    minutes = round(length.total_seconds() / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes <= 1440 else f"{minutes // 1440} days"


def _times(ratio: float) -> str:
    return "more than 99x" if ratio > 99 else f"{ratio:.1f}x"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.2g}" if amount > 0 else "$0"


def _pico(amount: int) -> str:
    return _dollars(float(usd_from_pico(amount)))


def _share(amount: int, change: int) -> str:
    return f" ({amount / change:.0%})" if change > 0 else ""
