"""Attribution assigned later: what the emitter did not say, said by the `attribution:` list of a costspan.yaml.

Applied when a call is settled, after all its records and the spans above it were heard and before it is priced. A
change of the rules holds for what is settled from then on; entries that stand keep what they were posted with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from costspan.core.attribution import DIMENSIONS, SAYABLE, Attribution
from costspan.core.call import Call
from costspan.core.errors import ConfigError

TAG: Final = "tag."
SYNONYMS: Final = {"env": "environment", "user": "user_id"}

_OF_CALLS: Final[dict[str, Callable[[Call], tuple[str | None, ...]]]] = {
    "model": lambda call: call.models,
    "provider": lambda call: (call.provider,),
    "requested_model": lambda call: (call.requested_model,),
    "response_model": lambda call: (call.response_model,),
    "operation": lambda call: (call.operation,),
    "finish_reason": lambda call: (call.finish_reason,),
    "error_type": lambda call: (call.error_type,),
    "mode": lambda call: (call.mode,),
    "dialect": lambda call: (call.dialect,),
    "attempt": lambda call: (str(call.attempt),),
}
"""Group key -> what a call says for it, as sent: the price list's names are known only once it is priced."""

WHEN_KEYS: Final = (*_OF_CALLS, *DIMENSIONS)
SET_KEYS: Final = SAYABLE
_RULE_KEYS: Final = ("when", "set", "override")


@dataclass(frozen=True, slots=True)
class Condition:
    """`pattern` must match a value of `key` as a whole; None asks for a key that is not said."""

    key: str
    pattern: re.Pattern[str] | None

    def holds(self, attribution: Attribution, call: Call | None) -> bool:
        """Tell whether what is said fulfils the condition. Of a tool use (no call) only attribution can."""
        if self.key in _OF_CALLS:
            if call is None:
                return False
            values = _OF_CALLS[self.key](call)
        elif self.key.startswith(TAG):
            values = (attribution.tags.get(self.key.removeprefix(TAG)),)
        else:
            values = (getattr(attribution, self.key),)
        said = [value for value in values if value is not None]
        if self.pattern is None:
            return not said
        return any(self.pattern.fullmatch(value) for value in said)


@dataclass(frozen=True, slots=True)
class AttributionRule:
    """Where all of `when` hold, `says` fills in what is not said, or replaces it where `overrides`."""

    when: tuple[Condition, ...]
    says: Attribution
    overrides: bool = False

    def apply(self, attribution: Attribution, call: Call | None) -> Attribution:
        """Return `attribution` as it is once the rule has spoken."""
        if not all(condition.holds(attribution, call) for condition in self.when):
            return attribution
        return self.says.or_else(attribution) if self.overrides else attribution.or_else(self.says)


@dataclass(frozen=True, slots=True)
class AttributionRules:
    """Rules in their order; each sees what the ones before it said."""

    rules: tuple[AttributionRule, ...] = ()

    def attribution(self, said: Attribution, call: Call | None = None) -> Attribution:
        """Return whom a call, or a tool use (`call` is None), was for."""
        for rule in self.rules:
            said = rule.apply(said, call)
        return said

    def call(self, call: Call) -> Call:
        """Return `call` with its attribution completed."""
        said = self.attribution(call.attribution, call)
        return call if said is call.attribution else replace(call, attribution=said)


def parse_attribution_rules(entries: object, place: str = "costspan.yaml") -> AttributionRules:
    """Return the rules of an `attribution:` list. Raise ConfigError that names `place`, the entry and the key."""
    if entries is None:
        return AttributionRules()
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ConfigError(f"{place}: attribution: a list of entries, each with when: and set:")
    return AttributionRules(
        tuple(_rule(entry, f"{place}: attribution entry {n}") for n, entry in enumerate(entries, start=1))
    )


def _rule(entry: object, where: str) -> AttributionRule:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a mapping with when: and set:")
    for key in entry:
        if key not in _RULE_KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(_RULE_KEYS)}")
    overrides = entry.get("override", False)
    if not isinstance(overrides, bool):
        raise ConfigError(f"{where}: override: true or false, found {overrides!r}")
    when, says = _mapping(entry, "when", where), _mapping(entry, "set", where)
    if not says:
        raise ConfigError(f"{where}: set: says nothing")
    return AttributionRule(
        tuple(Condition(_known(key, WHEN_KEYS, f"{where}: when"), _pattern(value)) for key, value in when.items()),
        _attribution(says, f"{where}: set"),
        overrides,
    )


def _mapping(entry: Mapping[Any, Any], key: str, where: str) -> dict[str, str]:
    given = entry.get(key, {})
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: {key}: a mapping of keys to values")
    return {str(name): _text(value, f"{where}: {key}: {name}") for name, value in given.items()}


def _text(value: object, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise ConfigError(f"{where}: one value, found {type(value).__name__}")


def _known(key: str, known: Sequence[str], where: str) -> str:
    key = SYNONYMS.get(key, key)
    if key in known or (key.startswith(TAG) and len(key) > len(TAG)):
        return key
    raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(known)}, tag.NAME")


def _pattern(value: str) -> re.Pattern[str] | None:
    return re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL) if value else None


def _attribution(says: Mapping[str, str], where: str) -> Attribution:
    dimensions: dict[str, Any] = {}
    tags: dict[str, str] = {}
    for given, value in says.items():
        key = _known(given, SET_KEYS, where)
        if not value:
            raise ConfigError(f"{where}: {given}: a value")
        if key.startswith(TAG):
            tags[key.removeprefix(TAG)] = value
        else:
            dimensions[key] = value
    return Attribution(**dimensions, tags=MappingProxyType(tags))
