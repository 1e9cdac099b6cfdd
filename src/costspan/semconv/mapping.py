"""A user's own vocabulary as a dialect: `mappings` of `costspan.yaml` become readers that are asked before all others.

    mappings:
      - name: acme
        scope: "acme.*"
        provider: openai
        convention: inclusive
        fields:
          input: acme.tokens.in
          output: acme.tokens.out
          requested_model: [acme.model, acme.deployment]
          feature: acme.feature
          tag.tenant: acme.tenant

`fields` names facts of a call (`Vocabulary`), attribution dimensions, or a tag; each takes one attribute or several,
best first. The `gen_ai.*` names go on being read where a mapping is silent. Without a `scope` a span is taken by any of
the token attributes named. `convention: exclusive` says that cached tokens stand beside the input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Final

from costspan.core.call import SpanClass
from costspan.core.errors import ConfigError
from costspan.core.record import Attributes, SpanRecord
from costspan.semconv.attributes import Keys, text
from costspan.semconv.attribution import SPAN_KEYS
from costspan.semconv.conventions import CACHE_APART, INCLUSIVE, Convention
from costspan.semconv.dialects.base import Vocabulary
from costspan.semconv.dialects.detection import MappedDialect, in_scope
from costspan.semconv.dialects.vocabulary import GEN_AI

CONVENTIONS: Final[Mapping[str, Convention]] = {"inclusive": INCLUSIVE, "exclusive": CACHE_APART}
FACTS: Final = tuple(item.name for item in fields(Vocabulary))
TAG: Final = "tag."
_SETTINGS: Final = ("name", "scope", "provider", "convention", "fields")
_ALIASES: Final = {"user": "user_id", "model": "requested_model", "cost_usd": "reported_cost_usd"}


class Mapped(MappedDialect):
    """A dialect out of a configuration file."""

    source = "the configuration file"

    def __init__(
        self,
        name: str,
        vocabulary: Mapping[str, Keys],
        attribution: Mapping[str, Keys],
        *,
        scopes: tuple[str, ...] = (),
        constant_provider: str | None = None,
        said_convention: Convention | None = None,
    ) -> None:
        self.name = name
        self.scopes = scopes
        self.vocabulary = GEN_AI.after(**vocabulary)
        self._own_usage = _usage_keys(vocabulary)
        self._own_claims = (*self._own_usage, *vocabulary.get("requested_model", ()), *vocabulary.get("operation", ()))
        self._attribution = attribution
        self._provider = constant_provider
        self._convention = said_convention
        self.markers = tuple(key.encode() for key in self._own_claims)
        super().__init__()

    def recognizes(self, record: SpanRecord) -> bool:
        """Return True for a span of its scope with any mapped key; without a scope, for one with a token count."""
        if not self.scopes:
            return any(key in record.attributes for key in self._own_usage)
        return in_scope(record.scope.name, self.scopes) and any(key in record.attributes for key in self._own_claims)

    def operation(self, record: SpanRecord) -> str:
        """Return the operation that is said, else `chat`."""
        return super().operation(record) or "chat"

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE where the operation says so; anything else the user mapped is a request."""
        return super().span_class(record, operation) or (None if operation != "chat" else SpanClass.INFERENCE)

    def provider(self, record: SpanRecord) -> str | None:
        """Return what the span says, else the mapping's constant."""
        return super().provider(record) or self._provider

    def convention(self, record: SpanRecord) -> Convention | None:
        """Return the mapping's convention, else what is known of the scope."""
        return self._convention or super().convention(record)

    def attribution_attributes(self, record: SpanRecord) -> Attributes:
        """Return the attributes with the mapped ones under the names that the ledger reads first."""
        found = {
            target: value
            for target, keys in self._attribution.items()
            if (value := next((record.attributes[key] for key in keys if key in record.attributes), None)) is not None
        }
        return {**record.attributes, **found} if found else record.attributes


def mapped_dialect(settings: object, place: str) -> Mapped:
    """Return the dialect that one entry of `mappings` describes.

    `place` begins the text of every error, such as `costspan.yaml: mappings[0]`. Raises ConfigError.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{place}: a mapping is a set of `name: value` lines, not {_kind(settings)}")
    for name in settings:
        if name not in _SETTINGS:
            raise ConfigError(f"{place}: unknown setting {name!r}{_hint(name, _SETTINGS)}")
    named = settings.get("fields")
    if not isinstance(named, Mapping) or not named:
        raise ConfigError(f"{place}.fields: name at least one attribute, such as `input: acme.tokens.in`")
    vocabulary, attribution = _sorted_out(named, f"{place}.fields")
    if not _usage_keys(vocabulary):
        raise ConfigError(
            f"{place}.fields: `input`, `output` or `total` must be mapped; without them nothing is a call"
        )
    return Mapped(
        _text(settings.get("name"), f"{place}.name") or "mapping",
        vocabulary,
        attribution,
        scopes=_texts(settings["scope"], f"{place}.scope") if "scope" in settings else (),
        constant_provider=_text(settings.get("provider"), f"{place}.provider"),
        said_convention=_convention(settings.get("convention"), f"{place}.convention"),
    )


def _usage_keys(vocabulary: Mapping[str, Keys]) -> Keys:
    return tuple(key for fact in ("input", "output", "total") for key in vocabulary.get(fact, ()))


def _sorted_out(named: Mapping[Any, object], place: str) -> tuple[dict[str, Keys], dict[str, Keys]]:
    vocabulary: dict[str, Keys] = {}
    attribution: dict[str, Keys] = {}
    for sent, value in named.items():
        field = _ALIASES.get(sent, sent)
        keys = _texts(value, f"{place}.{sent}")
        if field in FACTS:
            vocabulary[field] = keys
        elif field in SPAN_KEYS:
            attribution[SPAN_KEYS[field][0]] = keys
        elif isinstance(field, str) and field.startswith(TAG) and field != TAG:
            attribution[f"costspan.{field}"] = keys
        else:
            raise ConfigError(f"{place}: unknown field {sent!r}{_hint(sent, (*FACTS, *SPAN_KEYS, *_ALIASES))}")
    return vocabulary, attribution


def _convention(value: object, place: str) -> Convention | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in CONVENTIONS:
        raise ConfigError(f"{place}: {value!r} is not a counting convention; use inclusive or exclusive")
    return CONVENTIONS[value]


def _text(value: object, place: str) -> str | None:
    if value is None:
        return None
    said = text(value) if isinstance(value, str) else None
    if said is None:
        raise ConfigError(f"{place}: a text is needed, not {_kind(value)}")
    return said


def _texts(value: object, place: str) -> Keys:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Sequence) or not values:
        raise ConfigError(f"{place}: one attribute name or a list of them is needed, not {_kind(value)}")
    return tuple(_text(one, place) or "" for one in values)


def _hint(name: object, known: Sequence[str]) -> str:
    close = get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(sorted(set(known)))}"


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
