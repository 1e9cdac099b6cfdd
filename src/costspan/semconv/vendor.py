"""What coding agents leave unsaid or say in their own words, for their events and their metrics alike.

They name no provider, add suffixes to model names, and carry "who" under keys of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import UsageState
from costspan.core.money import PicoUsd, nearest_pico_from_float
from costspan.core.record import Attributes, AttributeValue
from costspan.core.units import Unit
from costspan.semconv.attributes import Keys, first, number, text
from costspan.semconv.attribution import MAX_VALUE_CHARS, read_attribution
from costspan.semconv.conventions import Split

MAX_REPORTED_USD: Final = 1e6
"""A single request reported dearer than this is a broken emitter; the figure is not kept."""

CACHE_TTL_UNSAID: Final = "the cache's time to live was not reported; priced as 5 minutes"

_SUFFIX: Final = re.compile(r"\[[^\]]*\]$")
"""Claude Code appends `[1m]` to ask for the long context; the provider's model name has no such part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Keys that say who a request was for, beside the usual ones; `tags` are kept under their own names."""

    session: Keys = ()
    user_id: Keys = ()
    agent: Keys = ()
    team: Keys = ()
    tags: Keys = ()


def attribution(attributes: Attributes, resource: Attributes, who: Who) -> Attribution:
    """Return the attribution of a record whose emitter uses the keys of `who`, on the record or its resource."""
    dimensions = {
        name: first(attributes, keys, _name) or first(resource, keys, _name)
        for name, keys in (("session", who.session), ("user_id", who.user_id), ("agent", who.agent), ("team", who.team))
    }
    tags = {key: said for key in who.tags if (said := _name(attributes.get(key)) or _name(resource.get(key)))}
    return Attribution(**dimensions, tags=MappingProxyType(tags)).or_else(read_attribution(attributes, resource))


def _name(value: AttributeValue) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    said = text(value)
    return said[:MAX_VALUE_CHARS] if said else None


def bare_model(attributes: Attributes, keys: Keys = ("model",)) -> str | None:
    """Return the model's name without what an agent appended to it."""
    said = first(attributes, keys, text)
    return (_SUFFIX.sub("", said).strip() or None) if said else None


def claude_provider(model: str | None) -> str:
    """Return who serves a Claude model, as its name tells: Bedrock and Vertex AI spell the same models differently."""
    if model and ("anthropic." in model or model.startswith("arn:aws")):
        return "aws.bedrock"
    return "gcp.vertex_ai" if model and "@" in model else "anthropic"


def reported_usd(value: AttributeValue) -> PicoUsd | None:
    """Return a cost in US dollars as the emitter gave it. Exactly 0 is "not said" (accounting rule 4.6)."""
    cost_usd = number(value)
    return nearest_pico_from_float(cost_usd) if cost_usd and 0 < cost_usd < MAX_REPORTED_USD else None


def with_doubt(split: Split, doubt: str) -> Split:
    """Return the split marked as assumed because of `doubt`; one that is missing or invalid keeps its state."""
    state = UsageState.ASSUMED if split.state is UsageState.REPORTED else split.state
    return Split(split.usage, state, f"{split.note}; {doubt}" if split.note else doubt)


def with_cache_ttl_doubt(split: Split) -> Split:
    """Return the split marked as assumed where tokens were written to a cache for a time nobody reported."""
    return with_doubt(split, CACHE_TTL_UNSAID) if split.usage[Unit.CACHE_WRITE_5M] else split
