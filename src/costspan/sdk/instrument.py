"""Switches on the official instrumentation of each model client that is installed, never two for one client.

Three packages register the name `openai` (the official one, its predecessor and OpenLLMetry's), so the official
class is addressed by its module and a client that somebody has wrapped already is left alone.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType
from typing import Final

from opentelemetry.trace import TracerProvider

from costspan.sdk.safety import LOG, never_raise
from costspan.sdk.when_imported import when_imported


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """How one client is instrumented, and a method of it by which a foreign instrumentation is recognised."""

    client: str
    module: str
    instrumentor: str
    extra: str
    wrapped_module: str
    wrapped_class: str
    wrapped_method: str


KNOWN: Final = (
    Instrumentation(
        client="openai",
        module="opentelemetry.instrumentation.genai.openai",
        instrumentor="OpenAIInstrumentor",
        extra="costspan[openai]",
        wrapped_module="openai.resources.chat.completions",
        wrapped_class="Completions",
        wrapped_method="create",
    ),
)


def instrument_clients(provider: TracerProvider) -> Iterator[str]:
    """Instrument what is installed, each client when it is imported, and yield a few words on each."""
    for known in KNOWN:
        if not _installed(known.client):
            continue
        if not _installed(known.module):
            yield f"{known.client} is installed but not instrumented: pip install '{known.extra}'"
            continue
        when_imported(known.client, lambda known=known: _instrument(known, provider))  # type: ignore[misc]
        yield f"{known.client} instrumented"


@never_raise(None)
def _instrument(known: Instrumentation, provider: TracerProvider) -> None:
    owner = getattr(import_module(known.wrapped_module), known.wrapped_class)
    if not isinstance(vars(owner)[known.wrapped_method], FunctionType):
        LOG.info("costspan: %s is instrumented by another package; left as it is", known.client)
        return
    getattr(import_module(known.module), known.instrumentor)().instrument(tracer_provider=provider)


def _installed(module: str) -> bool:
    if module in sys.modules:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
