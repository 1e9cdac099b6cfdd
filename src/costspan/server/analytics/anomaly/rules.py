"""What is looked at: channels, each over windows of several widths, in one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from costspan.server.analytics.anomaly.buckets import HOUR
from costspan.server.analytics.anomaly.limits import PRICE, UNIT, VOLUME, Limit
from costspan.server.store.spend_series import UNITS

VOLUMES: Final = ("calls", "cost")
CHANNELS: Final = (*VOLUMES, *UNITS)


@dataclass(frozen=True, slots=True)
class Rule:
    """What was looked at: a channel, over so many buckets."""

    channel: str
    width: int


def limits_of(channel: str) -> tuple[Limit, ...]:
    """Return the limits of a channel."""
    if channel in VOLUMES:
        return VOLUME
    return PRICE if channel == "price_per_token" else UNIT


NEW_GROUP: Final = Rule("new_group", HOUR)
RULES: Final = (*(Rule(channel, limit.width) for channel in CHANNELS for limit in limits_of(channel)), NEW_GROUP)
