"""`costspan keys`: makes, lists and revokes API keys. A running server sees the change at its next request."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from costspan.core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from costspan.server.receiver.keys import Key


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and print it, once")
    create.add_argument("--name", required=True, help="what the key is called in lists, logs and metrics")
    create.add_argument(
        "--role", action="append", required=True, choices=["ingest", "read", "admin"], help="may be given several times"
    )
    create.add_argument("--tenant", help="what it sends belongs to this tenant, and it sees no other")
    create.add_argument("--spans-per-minute", type=int, help="what it may send")
    create.add_argument("--bytes-per-minute", type=int, help="what it may send")
    listed = actions.add_parser("list", help="the keys by name; none can be shown again")
    revoke = actions.add_parser("revoke", help="end a key")
    revoke.add_argument("name")
    for action in (create, listed, revoke):
        action.add_argument("--file", type=Path, help="file of keys (default: the one costspan.yaml names)")
        action.add_argument("--data", type=Path, help="data folder (default: $COSTSPAN_DATA or costspan-data)")
        action.add_argument("--config", type=Path, help="costspan.yaml (default: $COSTSPAN_CONFIG or that of --data)")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked. Raise ConfigError where the file holds no keys, NotFound where there is none of that name."""
    from costspan.server.receiver.keys import read_keys, write_keys

    file, is_named = _keys_file(arguments)
    keys = read_keys(file) if file.exists() else ()
    if arguments.action == "list":
        _print(keys)
        return 0
    if arguments.action == "revoke":
        if all(key.name != arguments.name for key in keys):
            raise NotFound(f"{file} has no key {arguments.name!r}")
        write_keys(file, [key for key in keys if key.name != arguments.name])
        print(f"{arguments.name} is revoked")
        return 0
    secret, key = _new(arguments)
    if any(other.name == key.name for other in keys):
        raise UsageError(f"{file} has a key {key.name!r} already; revoke it first, or choose another --name")
    write_keys(file, [*keys, key])
    print(secret)
    if not is_named:
        print(f"To ask for keys, put this into costspan.yaml: auth: {{keys_file: {file.name}}}")
    return 0


def _keys_file(arguments: argparse.Namespace) -> tuple[Path, bool]:
    """Return the file of keys, and whether the settings or the caller named it."""
    from costspan.server.config import DEFAULT_DATA, read_settings, settings_file

    if arguments.file:
        return arguments.file, True
    data = arguments.data or Path(os.environ.get("COSTSPAN_DATA") or DEFAULT_DATA)
    named = arguments.config or os.environ.get("COSTSPAN_CONFIG")
    settings = read_settings(settings_file(data, Path(named) if named else None))
    return (settings.keys_file, True) if settings.keys_file else (data / "keys.yaml", False)


def _new(arguments: argparse.Namespace) -> tuple[str, Key]:
    from costspan.server.receiver.keys import Key, Role, checked_key, checked_name, new_secret, parse_quota, sha256_of

    bounds = {"spans_per_minute": arguments.spans_per_minute, "bytes_per_minute": arguments.bytes_per_minute}
    secret = new_secret()
    key = Key(
        name=checked_name(arguments.name, "--name"),
        sha256=sha256_of(secret.encode()),
        roles=frozenset(map(Role, arguments.role)),
        tenant=None if arguments.tenant is None else checked_name(arguments.tenant, "--tenant"),
        quota=parse_quota({name: bound for name, bound in bounds.items() if bound is not None}, "--quota"),
    )
    return secret, checked_key(key, "--role")


def _print(keys: tuple[Key, ...]) -> None:
    for key in keys:
        bounds = [
            f"{bound} {name}"
            for name, bound in (("spans/min", key.quota.spans_per_minute), ("bytes/min", key.quota.bytes_per_minute))
            if bound is not None
        ]
        tenant = [f"tenant {key.tenant}"] if key.tenant else []
        print("  ".join([key.name, ",".join(sorted(key.roles)), *tenant, *bounds]))
