"""Who a span was for: span keys first, then the emitter's own bags of metadata, then the resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.record import Attributes
from costspan.semconv.attributes import Keys, first, json_object, number, text

SPAN_KEYS: Final[dict[str, Keys]] = {
    "feature": ("costspan.feature", "feature", "app.feature", "llm.feature", "gen_ai.feature"),
    "team": ("costspan.team", "team", "app.team", "llm.team"),
    "user_id": ("user_id", "user.id", "enduser.id", "gen_ai.user", "gen_ai.request.user", "llm.user"),
    "session": ("session.id", "gen_ai.conversation.id", "session_id", "conversation_id"),
    "environment": ("deployment.environment.name", "deployment.environment", "environment"),
    "agent": ("gen_ai.agent.name", "agent.name"),
    "tool": ("gen_ai.tool.name", "tool.name"),
    "prompt": ("gen_ai.prompt.name",),
    "service": ("service.name",),
}
"""Dimension -> span attributes that carry it, best first."""

BAG_NAMES: Final[dict[str, str]] = {
    "feature": "feature",
    "team": "team",
    "user_id": "user_id",
    "user": "user_id",
    "userId": "user_id",
    "session_id": "session",
    "session": "session",
    "sessionId": "session",
    "conversation_id": "session",
    "environment": "environment",
    "env": "environment",
}
"""Name inside a bag of metadata -> dimension. Other names become tags."""

BAG_PREFIXES: Final = ("traceloop.association.properties.", "ai.telemetry.metadata.", "langfuse.trace.metadata.")
JSON_BAGS: Final = ("metadata",)
TAG_PREFIXES: Final = ("costspan.tag.",)

RESOURCE_KEYS: Final[dict[str, Keys]] = {
    "service": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment", "environment"),
    "team": ("team", "costspan.team", "service.team"),
    "feature": ("feature", "costspan.feature"),
    "user_id": ("user.id", "enduser.id"),
}

MAX_TAGS: Final = 32
MAX_VALUE_CHARS: Final = 256
"""Tags index the ledger, so their number and size a call are bounded; an SDK's metadata bag may hold documents."""


def read_attribution(attributes: Attributes, resource: Attributes) -> Attribution:
    """Return what the span and its resource say about who the call was for."""
    found = {name: _dimension(attributes, keys) for name, keys in SPAN_KEYS.items()}
    tags: dict[str, str] = {}
    for name, value in _bagged(attributes):
        dimension = BAG_NAMES.get(name)
        if dimension:
            found[dimension] = found[dimension] or value
        elif len(tags) < MAX_TAGS:
            tags.setdefault(name[:MAX_VALUE_CHARS], value)
    for dimension, keys in RESOURCE_KEYS.items():
        found[dimension] = found.get(dimension) or _dimension(resource, keys)
    return Attribution(**found, tags=MappingProxyType(tags))


def read_own_attribution(attributes: Attributes) -> Attribution:
    """Return what a span itself says, for the calls below it; its service is its own and is not passed down."""
    return replace(read_attribution(attributes, {}), service=None)


ATTRIBUTION_MARKERS: Final = (
    b"feature",
    b"team",
    b"user",
    b"session.id",
    b"session_id",
    b"conversation",
    b"deployment.environment",
    b"traceloop.association",
    b"costspan.",
    b"agent.name",
    b"tool.name",
    b"metadata",
)
"""A span without any of these byte strings says nothing of whom it was for and need not be parsed."""


def _dimension(attributes: Attributes, keys: Keys) -> str | None:
    return first(attributes, keys, _short_text)


def _short_text(value: object) -> str | None:
    if isinstance(value, str):
        said = text(value)
        return said[:MAX_VALUE_CHARS] if said else None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) or (isinstance(value, float) and number(value) is not None) else None


def _bagged(attributes: Attributes) -> Iterator[tuple[str, str]]:
    for key, value in attributes.items():
        for prefix in BAG_PREFIXES + TAG_PREFIXES:
            if key.startswith(prefix) and (said := _short_text(value)) is not None:
                yield key.removeprefix(prefix), said
    for key in JSON_BAGS:
        if key in attributes:
            for name, value in json_object(attributes[key]).items():
                if (said := _short_text(value)) is not None:
                    yield name, said
