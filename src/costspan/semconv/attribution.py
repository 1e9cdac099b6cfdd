"""Who a span was for: span keys first, then the emitter's own bags of metadata, then the resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from costspan.core.attribution import Attribution
from costspan.core.record import Attributes
from costspan.semconv.attributes import Keys, json_object, number, text, texts
from costspan.semconv.remembered import is_short

SPAN_KEYS: Final[dict[str, Keys]] = {
    "feature": ("costspan.feature", "feature", "app.feature", "llm.feature", "gen_ai.feature", "litellm.feature"),
    "team": (
        "costspan.team",
        "team",
        "app.team",
        "llm.team",
        "litellm.team.alias",
        "metadata.user_api_key_team_alias",
        "litellm.team.id",
        "metadata.user_api_key_team_id",
    ),
    "user_id": (
        "costspan.user",
        "user_id",
        "user.id",
        "enduser.id",
        "gen_ai.user",
        "gen_ai.request.user",
        "llm.user",
        "langfuse.user.id",
        "langfuse.trace.user_id",
        "mlflow.trace.user",
        "litellm.end_user.id",
        "metadata.user_api_key_end_user_id",
        "metadata.user_api_key_user_id",
        "user.account_uuid",
        "user.account_id",
        "user.email",
    ),
    "session": (
        "session.id",
        "gen_ai.conversation.id",
        "session_id",
        "conversation_id",
        "conversation.id",
        "langfuse.session.id",
        "langfuse.trace.session_id",
        "mlflow.trace.session",
        "gcp.vertex.agent.session_id",
        "copilot_chat.chat_session_id",
        "copilot_chat.session_id",
        "opencode.session.id",
        "genkit:sessionId",
    ),
    "environment": (
        "deployment.environment.name",
        "deployment.environment",
        "environment",
        "langfuse.environment",
    ),
    "agent": ("gen_ai.agent.name", "agent.name", "lk.agent_name"),
    "tool": ("gen_ai.tool.name", "tool.name", "ai.toolCall.name"),
    "prompt": ("gen_ai.prompt.name", "langfuse.observation.prompt.name"),
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
    "thread_id": "session",
    "environment": "environment",
    "env": "environment",
}
"""Name inside a bag of metadata -> dimension. Other names become tags."""

BAG_PREFIXES: Final = (
    "traceloop.association.properties.",
    "lmnr.association.properties.metadata.",
    "lmnr.association.properties.",
    "ai.telemetry.metadata.",
    "langfuse.trace.metadata.",
    "langfuse.observation.metadata.",
    "litellm.metadata.",
    "trace.metadata.",
)
TAG_PREFIXES: Final = ("costspan.tag.",)
_PREFIXES: Final = BAG_PREFIXES + TAG_PREFIXES
JSON_BAGS: Final = frozenset({"metadata"})
TAG_LISTS: Final = frozenset({"tag.tags", "langfuse.trace.tags", "lmnr.association.properties.tags"})
"""Lists of bare words; each becomes a tag whose value is `true`."""

RESOURCE_KEYS: Final[dict[str, Keys]] = {
    "service": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment", "environment"),
    "team": ("team", "costspan.team", "service.team"),
    "feature": ("feature", "costspan.feature"),
    "user_id": ("user.id", "enduser.id", "user.email"),
    "session": ("session.id",),
}

MAX_TAGS: Final = 32
MAX_VALUE_CHARS: Final = 256
"""Tags index the ledger, so their number and size a call are bounded; an SDK's metadata bag may hold documents."""

_RANKED: Final = {key: (name, rank) for name, keys in SPAN_KEYS.items() for rank, key in enumerate(keys)}


def read_attribution(attributes: Attributes, resource: Attributes) -> Attribution:
    """Return what the span and its resource say about who the call was for."""
    names = _saying[tuple(attributes)]
    values = tuple(map(attributes.get, names))
    shared = _of_resource(resource)
    key = names, values, tuple(map(type, values)), shared
    try:
        return _attributions[key]
    except KeyError:
        found = _attribution({name: attributes[name] for name in names}, shared)
        if all(map(is_short, values)):
            if len(_attributions) >= _MAX_REMEMBERED:
                _attributions.clear()
            _attributions[key] = found
        return found
    except TypeError:  # a list or a map among the values
        return _attribution({name: attributes[name] for name in names}, shared)


def _attribution(saying: Attributes, shared: tuple[tuple[str, str], ...]) -> Attribution:
    found, bagged = _said(saying)
    tags: dict[str, str] = {}
    for name, value in bagged:
        dimension = BAG_NAMES.get(name)
        if dimension:
            found.setdefault(dimension, value)
        elif len(tags) < MAX_TAGS:
            tags.setdefault(name[:MAX_VALUE_CHARS], value)
    dimensions: dict[str, Any] = {**dict(shared), **found} if shared else found
    return Attribution(**dimensions, tags=MappingProxyType(tags)) if tags else Attribution(**dimensions)


def read_own_attribution(attributes: Attributes) -> Attribution:
    """Return what a span itself says, for the calls below it; its service is its own and is not passed down."""
    return replace(read_attribution(attributes, {}), service=None)


def says_for_whom(key: str) -> bool:
    """Return True for an attribute by which a span says whom it, and what is below it, was for."""
    part = _PARTS[key]
    return part is not None and part[0] != "service"


_MAX_REMEMBERED: Final = 8_192
_BAG: Final = ("", 0)


class _Parts(dict[str, tuple[str, int] | None]):
    """Attribute -> (dimension, rank), or that it is a bag, or None; remembered, since the same few come again."""

    def __missing__(self, key: str) -> tuple[str, int] | None:
        part = _RANKED.get(key)
        if part is None and (key in JSON_BAGS or key in TAG_LISTS or key.startswith(_PREFIXES)):
            part = _BAG
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        self[key] = part
        return part


_PARTS: Final = _Parts()


class _Saying(dict[Keys, Keys]):
    """Names of a span's attributes -> those by which it says for whom it is; remembered for the same reason."""

    def __missing__(self, names: Keys) -> Keys:
        found = tuple(filter(_PARTS.__getitem__, names))
        if len(self) >= _MAX_REMEMBERED // 8:
            self.clear()
        self[names] = found
        return found


_saying: Final = _Saying()
_attributions: Final[dict[Any, Attribution]] = {}
"""By what is said, which is the same for the calls of one session: they then share one value."""


def _said(saying: Attributes) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the dimensions that have a key of their own, and what the bags hold, in one pass."""
    found: dict[str, str] = {}
    ranks: dict[str, int] = {}
    bagged: list[tuple[str, str]] = []
    for key, value in saying.items():
        part = _PARTS[key]
        if part is None or part is _BAG:
            bagged.extend(_bagged(key, value))
            continue
        dimension, rank = part
        if (dimension not in ranks or rank < ranks[dimension]) and (said := _short_text(value)) is not None:
            found[dimension], ranks[dimension] = said, rank
    return found, bagged


_last_resource: tuple[Attributes, tuple[tuple[str, str], ...]] = ({}, ())


def _of_resource(resource: Attributes) -> tuple[tuple[str, str], ...]:
    """Return the dimensions a resource says. All spans of one resource come with the same object, one after the other.

    Exchanged as a whole, so that threads that read at the same time see one resource or the other.
    """
    global _last_resource  # noqa: PLW0603 - a memory of one
    known, said = _last_resource
    if known is not resource:
        named = ((name, _first(resource, keys)) for name, keys in RESOURCE_KEYS.items())
        said = tuple((name, value) for name, value in named if value is not None)
        _last_resource = (resource, said)
    return said


def _first(attributes: Attributes, keys: Keys) -> str | None:
    for key in keys:
        if key in attributes and (said := _short_text(attributes[key])) is not None:
            return said
    return None


def _short_text(value: object) -> str | None:
    if isinstance(value, str):
        said = text(value)
        return said if said is None or len(said) <= MAX_VALUE_CHARS else said[:MAX_VALUE_CHARS]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 64 else None
    return str(value) if isinstance(value, float) and number(value) is not None else None


def _bagged(key: str, value: object) -> Iterator[tuple[str, str]]:
    if key in TAG_LISTS:
        yield from ((tag[:MAX_VALUE_CHARS], "true") for tag in texts(value))  # type: ignore[arg-type]
    elif key in JSON_BAGS:
        for name, inner in json_object(value).items():  # type: ignore[arg-type]
            if (said := _short_text(inner)) is not None:
                yield name, said
    elif (said := _short_text(value)) is not None:
        yield _name_in_bag(key), said


@lru_cache(maxsize=_MAX_REMEMBERED)
def _name_in_bag(key: str) -> str:
    return key.removeprefix(next(prefix for prefix in _PREFIXES if key.startswith(prefix)))
