"""Switches on the official instrumentation of each model client that is installed, never two for one client: one that
somebody has wrapped already is left alone."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
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
        if not _installed(client.name):
            continue
        if not _installed(client.module):
            yield f"{client.name} is installed but not instrumented: pip install '{client.extra}'"
            continue
        when_imported(client.name, partial(_prepare, client, provider, config))
        yield f"{client.name} instrumented"


def _prepare(client: Client, provider: TracerProvider, config: Config) -> None:
    _instrument(client, provider)
    if client.complete:
        never_raise(None)(client.complete)(config)


@never_raise(None)
def _instrument(client: Client, provider: TracerProvider) -> None:
    owner = getattr(import_module(client.wrapped.module), client.wrapped.owner)
    if not isinstance(vars(owner)[client.wrapped.name], FunctionType):
        LOG.info("costspan: %s is instrumented by another package; left as it is", client.name)
        return
    getattr(import_module(client.module), client.instrumentor)().instrument(tracer_provider=provider)


def _installed(module: str) -> bool:
    if module in sys.modules:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
