"""The `reconcile:` list of a costspan.yaml: whose bills are compared with the ledger, and how."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from costspan.core.errors import ConfigError, UsageError
from costspan.server.reconciliation.match import Scopes
from costspan.server.reconciliation.sources import API_SOURCES
from costspan.server.store.question import TAG, known_key

KEYS: Final = (
    "provider", "key_env", "base_url", "project_by", "projects", "models", "limit", "unexplained_limit", "settle",
)  # fmt: skip
LIMIT: Final = 0.05
UNEXPLAINED_LIMIT: Final = 0.01
SETTLE: Final = timedelta(hours=72)
"""How long after its end a day may still change on the provider's side; none of them publishes a figure."""
_HOURS: Final = re.compile(r"(\d{1,4})h")


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSettings:
    """How one provider's bill is compared. `key_env` names the variable of the admin key, never the key itself.

    `scopes` says which value of which group key a project or key of the bill stands for, `models` which model of the
    ledger a billed name is. Limits are shares of the bill.
    """

    provider: str
    key_env: str | None = None
    base_url: str | None = None
    scopes: Scopes = field(default_factory=Scopes)
    models: Mapping[str, str] = field(default_factory=dict)
    limit: float = LIMIT
    unexplained_limit: float = UNEXPLAINED_LIMIT
    settle: timedelta = SETTLE


def settings_for(provider: str, configured: Sequence[BillSettings]) -> BillSettings:
    """Return what is configured of a provider, the defaults where nothing is."""
    return next((each for each in configured if each.provider == provider), BillSettings(provider=provider))


def parse_reconcile(entries: object, place: str = "costspan.yaml") -> tuple[BillSettings, ...]:
    """Return the entries of a `reconcile:` list. Raise ConfigError that names `place`, the entry and the key."""
    if entries is None:
        return ()
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ConfigError(f"{place}: reconcile: a list of entries, each with provider:")
    found: dict[str, BillSettings] = {}
    for number, entry in enumerate(entries, start=1):
        settings = _entry(entry, f"{place}: reconcile entry {number}")
        if settings.provider in found:
            raise ConfigError(f"{place}: reconcile entry {number}: provider: {settings.provider!r} is there already")
        found[settings.provider] = settings
    return tuple(found.values())


def _entry(entry: object, where: str) -> BillSettings:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a mapping with provider:")
    for key in entry:
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(KEYS)}")
    provider = entry.get("provider")
    if not isinstance(provider, str) or not provider:
        raise ConfigError(f"{where}: provider: whose bill it is, as in openai")
    key_env = entry.get("key_env")
    if key_env is not None and (not isinstance(key_env, str) or not key_env.isidentifier()):
        raise ConfigError(f"{where}: key_env: the name of the environment variable that has the key, not the key")
    source = API_SOURCES.get(provider)
    return BillSettings(
        provider=provider,
        key_env=key_env or (source.key_env if source else None),
        base_url=_text(entry.get("base_url"), f"{where}: base_url"),
        scopes=Scopes(_group_key(entry.get("project_by"), where), _names(entry.get("projects"), f"{where}: projects")),
        models=_names(entry.get("models"), f"{where}: models"),
        limit=_share(entry.get("limit", LIMIT), f"{where}: limit"),
        unexplained_limit=_share(entry.get("unexplained_limit", UNEXPLAINED_LIMIT), f"{where}: unexplained_limit"),
        settle=_hours(entry.get("settle"), where),
    )


def _text(said: object, where: str) -> str | None:
    if said is not None and (not isinstance(said, str) or not said):
        raise ConfigError(f"{where}: text, not {said!r}")
    return said


def _group_key(said: object, where: str) -> str | None:
    if said is None:
        return None
    try:
        return known_key(str(said))
    except UsageError as error:
        raise ConfigError(f"{where}: project_by: {error}; {TAG}NAME for a tag of your own") from None


def _names(said: object, where: str) -> dict[str, str]:
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        raise ConfigError(f"{where}: a mapping of the bill's name to the ledger's")
    return {str(billed): str(ours) for billed, ours in said.items()}


def _share(said: object, where: str) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < 1:
        raise ConfigError(f"{where}: a share of the bill between 0 and 1, as in 0.05, not {said!r}")
    return float(said)


def _hours(said: object, where: str) -> timedelta:
    if said is None:
        return SETTLE
    found = _HOURS.fullmatch(str(said))
    if found is None:
        raise ConfigError(f"{where}: settle: hours, as in 72h, not {said!r}")
    return timedelta(hours=int(found[1]))
