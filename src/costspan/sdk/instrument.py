"""Switches on the official instrumentation of each model client that is installed, never two for one client: one that
somebody has wrapped already is left alone."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from types import FunctionType

from opentelemetry.trace import TracerProvider

from costspan.sdk.clients import CLIENTS
from costspan.sdk.clients.client import Client
from costspan.sdk.config import Config
from costspan.sdk.safety import LOG, never_raise
from costspan.sdk.when_imported import when_imported


def instrument_clients(provider: TracerProvider, config: Config) -> Iterator[str]:
    """Instrument what is installed, each client when it is imported, and yield a few words on each."""
    for client in CLIENTS:
        if _installed(client.imported):
            yield f"{client.name} {_set_up(client, provider, config)}"


def complete_clients(config: Config) -> Iterator[str]:
    """Complete what others instrument, each client when it is imported, and yield a few words on each."""
    for client in CLIENTS:
        if client.complete and _installed(client.imported):
            when_imported(client.imported, partial(client.complete, config))
            yield f"{client.name} completed"


@never_raise("not instrumented: an error is logged above")
def _set_up(client: Client, provider: TracerProvider, config: Config) -> str:
    """Choose who instruments the client, see to it, and return the choice in words."""
    if client.wrapped.module in sys.modules and _is_wrapped(client):
        _complete(client, config)
        return "left as another package instruments it"
    if not _installed(client.module):
        if client.tells_by_itself():
            return "left to make its own spans"
        return f"installed but not instrumented: pip install '{client.extra}'"
    refused = client.refused_version()
    if not refused:
        when_imported(client.imported, partial(_prepare, client, partial(_official, client, provider), config))
        return "instrumented"
    if client.own:
        when_imported(client.imported, partial(_prepare, client, partial(client.own, provider), config))
        return f"instrumented by costspan: {client.package} does not take {refused}"
    return f"not instrumented: {client.package} does not take {refused}"


def _prepare(client: Client, instrument: Callable[[], None], config: Config) -> None:
    if _is_wrapped(client):
        LOG.info("costspan: %s is instrumented by another package; left as it is", client.name)
    else:
        never_raise(None)(instrument)()
    _complete(client, config)


def _official(client: Client, provider: TracerProvider) -> None:
    instrumentor = getattr(import_module(client.module), client.instrumentor)()
    # Versions have been looked at. What else the check asks for may be missing: LangGraph works without `langchain`.
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)


def _complete(client: Client, config: Config) -> None:
    if client.complete:
        never_raise(None)(client.complete)(config)


def _is_wrapped(client: Client) -> bool:
    """Return True where the method is not the client's own: wrapt's wrappers pass for functions, so their type is
    asked, and a function is another package's where its globals are."""
    method = vars(getattr(import_module(client.wrapped.module), client.wrapped.owner))[client.wrapped.name]
    if type(method) is not FunctionType:
        return True
    package = client.wrapped.module.partition(".")[0]
    return str(method.__globals__["__name__"]).partition(".")[0] != package


def _installed(module: str) -> bool:
    if sys.modules.get(module):
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
