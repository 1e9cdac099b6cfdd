"""`Client`: what has to be known of a model client to instrument it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from costspan.sdk.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of a client, by its address. Nothing is imported to name it."""

    module: str
    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How one client is instrumented, and a method of it by which a foreign instrumentation is recognised."""

    name: str
    """The module an application imports."""
    module: str
    """Where the official instrumentation lives: addressed by its module, since three packages register the entry
    point `openai` (the official one, its predecessor and OpenLLMetry's)."""
    instrumentor: str
    extra: str
    """What to install to get it."""
    wrapped: Method
    complete: Callable[[Config], None] | None = None
    """Does what the instrumentation leaves undone, once the client has been imported and instrumented, by us or by
    another package. It wraps the client below the instrumentation, where the call's span is the current span."""
