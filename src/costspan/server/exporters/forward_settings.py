"""The `forward:` list of a costspan.yaml: where enriched telemetry goes, with which headers, without what."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from costspan.core.errors import ConfigError

KEYS: Final = ("name", "endpoint", "headers", "format", "drop", "duplicates", "delay_s", "timeout_s")
FORMATS: Final = ("otlp", "langfuse")
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place telemetry is forwarded to. `endpoint` is what OTLP/HTTP calls it: `/v1/traces` is added.

    `drop` names attributes that do not leave; `delay_s` is how long to wait for what else belongs to a call.
    """

    name: str
    endpoint: str
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    is_langfuse: bool = False
    drop: frozenset[str] = frozenset()
    duplicates: bool = True
    delay_s: float = 10
    timeout_s: float = 10


def parse_forward(
    entries: object, place: str = "costspan.yaml", environment: Mapping[str, str] = os.environ
) -> tuple[Target, ...]:
    """Return the targets of a `forward:` list. Raise ConfigError that names `place`, the entry and the key."""
    if entries is None:
        return ()
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ConfigError(f"{place}: forward: a list of entries, each with endpoint:")
    found: dict[str, Target] = {}
    for number, entry in enumerate(entries, start=1):
        where = f"{place}: forward entry {number}"
        target = _entry(entry, where, environment)
        if target.name in found:
            raise ConfigError(f"{where}: name: {target.name!r} is taken already; name: tells targets apart")
        found[target.name] = target
    return tuple(found.values())


def _entry(entry: object, where: str, environment: Mapping[str, str]) -> Target:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a mapping with endpoint:")
    for key in entry:
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(KEYS)}")
    endpoint = entry.get("endpoint")
    parts = urlsplit(endpoint) if isinstance(endpoint, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ConfigError(f"{where}: endpoint: http(s)://host:port without user or password, found {endpoint!r}")
    form = entry.get("format", "otlp")
    if form not in FORMATS:
        raise ConfigError(f"{where}: format: {', '.join(FORMATS)}, found {form!r}")
    return Target(
        name=str(entry.get("name") or f"{parts.netloc}{parts.path.rstrip('/')}"),
        endpoint=str(endpoint).rstrip("/"),
        headers=_headers(entry.get("headers") or {}, where, environment),
        is_langfuse=form == "langfuse",
        drop=_names(entry.get("drop") or [], where),
        duplicates=_duplicates(entry.get("duplicates", "send"), where),
        delay_s=_seconds(entry.get("delay_s", 10), f"{where}: delay_s"),
        timeout_s=_seconds(entry.get("timeout_s", 10), f"{where}: timeout_s"),
    )


def _headers(said: object, where: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    if not isinstance(said, Mapping) or not all(isinstance(value, str) for value in said.values()):
        raise ConfigError(f"{where}: headers: a mapping of names to texts; secrets as ${{VARIABLE}}")

    def value(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise ConfigError(f"{where}: headers: the environment has no {found[1]}")
        return environment[found[1]]

    return {str(name): _VARIABLE.sub(value, text) for name, text in said.items()}


def _names(said: object, where: str) -> frozenset[str]:
    if not isinstance(said, Sequence) or isinstance(said, str) or not all(isinstance(name, str) for name in said):
        raise ConfigError(f"{where}: drop: a list of attributes, such as [user_id]")
    return frozenset(said)


def _duplicates(said: object, where: str) -> bool:
    if said not in ("send", "drop"):
        raise ConfigError(f"{where}: duplicates: send (marked, without cost) or drop, found {said!r}")
    return said == "send"


def _seconds(said: object, where: str) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= 3600:
        raise ConfigError(f"{where}: seconds from 0 to 3600, found {said!r}")
    return float(said)
