"""What was used, summed so that it can be priced otherwise: by names, mode, hour and context, with what was repeated.

A question over rows: of calls whose rows are gone nothing is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.server.store.question import Filter

CACHE_LIVES: Final = {
    Unit.CACHE_WRITE_5M: timedelta(minutes=5),
    Unit.CACHE_WRITE_30M: timedelta(minutes=30),
    Unit.CACHE_WRITE_1H: timedelta(hours=1),
    Unit.CACHE_WRITE_12H: timedelta(hours=12),
}
"""How long providers keep what was written to their cache, by the unit it is billed as."""
REUSED_WITHIN: Final = CACHE_LIVES[Unit.CACHE_WRITE_5M]
"""How soon a conversation must go on for its beginning to be in a cache still: the shortest life that is sold."""
LEAST_CACHED: Final = 1_024
"""Tokens below which OpenAI and Anthropic cache nothing."""


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """Calls of a period that pass the filters, by `group_by`, told apart where their input passes one of `breaks`."""

    period: Period
    filters: tuple[Filter, ...] = ()
    group_by: tuple[str, ...] = ()
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Uncached input tokens that the call before, in the same conversation, had sent too, and what would have had to be
    written for it. A conversation is a session, or a trace without one; a cache forgets after five minutes."""

    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """Calls that one rate prices. `provider` and the models are as sent; `hour` is when they began, in UTC.

    `band` is how many of the breaks their input passes, `cost` what they cost, in pico-dollars: calls without a price
    have rows of their own, where it is None.
    `repeated_least` counts only calls that went on where the one before had ended: it was over, and the input grew.
    `unread` is what was written to a cache and then not read in its life, by any call of the model and feature.
    """

    key: tuple[str | None, ...]
    provider: str | None
    requested_model: str | None
    response_model: str | None
    mode: str
    hour: datetime
    band: int
    streamed: bool
    calls: int
    cost: int | None
    usage: Usage
    repeated_least: Repeated
    repeated_most: Repeated
    unread: Usage

    @property
    def models(self) -> tuple[str, ...]:
        """The names it is priced under, the provider's own first."""
        return tuple(dict.fromkeys(name for name in (self.response_model, self.requested_model) if name))
