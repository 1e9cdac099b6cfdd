"""Notifiers: one file for each kind, the list of them, and the `notifiers:` of a costspan.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from costspan.core.errors import ConfigError, UsageError
from costspan.server.alerts.notifiers.apprise import APPRISE
from costspan.server.alerts.notifiers.base import Notifier, NotifierKind
from costspan.server.alerts.notifiers.webhook import WEBHOOK
from costspan.server.yaml_lines import line_of

NOTIFIERS: Final = (APPRISE, WEBHOOK)

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class NotifierEntry:
    """An entry of `notifiers:` as it is written, with `${NAME}` where the environment says something."""

    name: str
    kind: NotifierKind
    said: Mapping[str, Any] = field(repr=False)
    place: str

    def open(self, environment: Mapping[str, str]) -> Notifier:
        """Return the notifier. Raise ConfigError that names the place and shows no value."""
        try:
            return self.kind.make({key: _filled(value, environment) for key, value in self.said.items()})
        except UsageError as error:
            raise ConfigError(f"{self.place}: {error}") from None


def parse_notifiers(said: object, place: str = "costspan.yaml") -> dict[str, NotifierEntry]:
    """Return the entries of a `notifiers:` mapping by name. Raise ConfigError that names the file, line and key."""
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        raise ConfigError(f'{place}: notifiers: a mapping of names, as in slack: {{url: "slack://..."}}')
    found: dict[str, NotifierEntry] = {}
    for name, entry in said.items():
        line = line_of(said, name)
        where = f"{place}:{line}: notifiers: {name}" if line else f"{place}: notifiers: {name}"
        kinds = [kind for kind in NOTIFIERS if isinstance(entry, Mapping) and kind.key in entry]
        if len(kinds) != 1:
            raise ConfigError(f"{where}: one of {', '.join(f'{kind.key}:' for kind in NOTIFIERS)} is expected")
        [kind] = kinds
        for key in entry:
            if key not in kind.keys:
                raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(kind.keys)}")
        found[str(name)] = NotifierEntry(str(name), kind, entry, where)
    return found


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _variable(found[1], environment), value)
    if isinstance(value, Mapping):
        return {key: _filled(each, environment) for key, each in value.items()}
    return [_filled(each, environment) for each in value] if isinstance(value, list) else value


def _variable(name: str, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise UsageError(f"the environment variable {name} is not set")
    return environment[name]
