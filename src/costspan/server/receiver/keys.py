"""API keys as `keys.yaml` holds them: who may do what, for which tenant, how much.

A key is 256 random bits, so nobody finds one from its hash by trying; a plain SHA-256 keeps it from whoever reads the
file, and a slow password hash would only cost every request its time.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from costspan.core.errors import ConfigError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KEYS: Final = ("name", "sha256", "roles", "tenant", "quota")
PREFIX: Final = "cs_"
"""What a key begins with, so that scanners of leaked secrets can know one."""


class Role(StrEnum):
    """What a key may do. An admin may do everything."""

    INGEST = "ingest"
    """Send telemetry."""
    READ = "read"
    """Ask questions."""
    ADMIN = "admin"
    """Change prices and re-price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a key may send in a minute; None is no bound. Log records and metric points count as spans."""

    spans_per_minute: int | None = None
    bytes_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key by its name and the SHA-256 of its secret, in hex. `tenant` None sees and sends for all."""

    name: str
    sha256: str
    roles: frozenset[Role]
    tenant: str | None = None
    quota: Quota = Quota()

    def allows(self, role: Role) -> bool:
        """Return True when the key may do what `role` may."""
        return role in self.roles or Role.ADMIN in self.roles


def new_secret() -> str:
    """Return the secret of a new key."""
    return PREFIX + secrets.token_urlsafe(32)


def sha256_of(secret: bytes) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret).hexdigest()


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file. Raise ConfigError that names file, entry and key."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError(f"{path}: not YAML") from None
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if document is not None and not isinstance(entries, Sequence):
        raise ConfigError(f"{path}: keys: a list of keys is expected; costspan keys create writes one")
    keys = tuple(_key(entry, f"{path}: keys[{place}]") for place, entry in enumerate(entries or ()))
    for attribute in ("name", "sha256"):
        values = [getattr(key, attribute) for key in keys]
        if len(set(values)) < len(values):
            raise ConfigError(f"{path}: two keys have the same {attribute}")
    return keys


def write_keys(path: Path, keys: Sequence[Key]) -> None:
    """Write a file that only its owner can read, all or nothing."""
    document = {"keys": [_entry(key) for key in keys]}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("# Written by `costspan keys`. Holds hashes, no keys.\n")
        yaml.safe_dump(document, file, sort_keys=False)
    fresh.replace(path)


def _entry(key: Key) -> dict[str, Any]:
    quota = {item.name: value for item in fields(Quota) if (value := getattr(key.quota, item.name)) is not None}
    entry: dict[str, Any] = {"name": key.name, "sha256": key.sha256, "roles": sorted(role.value for role in key.roles)}
    if key.tenant is not None:
        entry["tenant"] = key.tenant
    return entry | ({"quota": quota} if quota else {})


def _key(entry: Any, where: str) -> Key:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a mapping is expected")
    for name in entry:
        if name not in _KEYS:
            raise ConfigError(f"{where}: unknown key {name!r}; known: {', '.join(_KEYS)}")
    digest = entry.get("sha256")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ConfigError(f"{where}: sha256: 64 hexadecimal digits are expected")
    return checked_key(
        Key(
            name=checked_name(entry.get("name"), f"{where}: name"),
            sha256=digest,
            roles=_roles(entry.get("roles"), where),
            tenant=None if entry.get("tenant") is None else checked_name(entry["tenant"], f"{where}: tenant"),
            quota=parse_quota(entry.get("quota"), where),
        ),
        where,
    )


def checked_key(key: Key, where: str) -> Key:
    """Return the key. Raise ConfigError where its roles and its tenant do not go together."""
    if key.tenant is not None and Role.ADMIN in key.roles:
        raise ConfigError(f"{where}: an admin changes prices for all tenants and can belong to none")
    return key


def checked_name(name: Any, where: str) -> str:
    """Return the name of a key or tenant. Raise ConfigError for what is none."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise ConfigError(f"{where}: {name!r} is not 1 to 64 letters, digits, dots, dashes or underscores")


def _roles(sent: Any, where: str) -> frozenset[Role]:
    known = [role.value for role in Role]
    if not isinstance(sent, Sequence) or isinstance(sent, str) or not sent or any(role not in known for role in sent):
        raise ConfigError(f"{where}: roles: a list of {', '.join(known)} is expected")
    return frozenset(map(Role, sent))


def parse_quota(sent: Any, where: str) -> Quota:
    """Return a quota, without bounds where nothing is said. Raise ConfigError for what is none."""
    if sent is None:
        return Quota()
    names = [item.name for item in fields(Quota)]
    if not isinstance(sent, Mapping) or any(name not in names for name in sent):
        raise ConfigError(f"{where}: quota: a mapping of {', '.join(names)} is expected")
    for name, value in sent.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigError(f"{where}: quota: {name}: a whole number from 1 up is expected, not {value!r}")
    return Quota(**sent)
