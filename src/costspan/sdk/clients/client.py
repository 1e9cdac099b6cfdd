"""`Client`: what has to be known of a model client to instrument it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from opentelemetry.trace import TracerProvider

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
    """What its users call it."""
    imported: str
    """The module whose import shows that an application uses it."""
    package: str
    """The distribution of the official instrumentation, which says what versions of the client it takes."""
    module: str
    """Where the official instrumentation lives: addressed by its module, since three packages register the entry
    point `openai` (the official one, its predecessor and OpenLLMetry's)."""
    instrumentor: str
    extra: str
    """What to install to get it."""
    wrapped: Method
    own: Callable[[TracerProvider], None] | None = None
    """Our instrumentation, for versions of the client that the official one does not take."""
    tells_by_itself: Callable[[], bool] = lambda: False
    """Whether this version of the client makes spans of its own, so that nothing need be installed."""
    complete: Callable[[Config], None] | None = None
    """Does what the instrumentation leaves undone, once the client has been imported and instrumented, by us or by
    another package. It wraps the client below the instrumentation, where the call's span is the current span."""

    def refused_version(self) -> str | None:
        """Return name and version of the installed client if the official instrumentation does not take it."""
        try:
            # It comes with the instrumentations, which are extras.
            from opentelemetry.instrumentation import dependencies  # noqa: PLC0415

            conflict = dependencies.get_dist_dependency_conflicts(distribution(self.package))
        except (ImportError, PackageNotFoundError):
            return None
        return conflict.found if conflict else None
