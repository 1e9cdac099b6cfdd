"""What of the attribution travels to other services, as W3C baggage. Used by `attribute`; the list is `configure`'s.

Baggage goes to every host that an instrumented HTTP client calls, so only what is on the list leaves, and a user id
only as its pseudonym (https://www.w3.org/TR/baggage/#privacy-of-the-baggage-header).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import baggage
from opentelemetry.context import Context

from costspan.core.attribution import Attribution
from costspan.sdk.attribute_names import OF_DIMENSION
from costspan.sdk.safe_text import safe_text

DEFAULT: Final = ("feature", "team", "environment")


@dataclass(slots=True)
class Travel:
    """The list of dimensions that may leave and are taken up on arrival, and how a user id is named outside."""

    dimensions: Sequence[str] = DEFAULT
    name_user: Callable[[str], str] | None = None

    def pack(self, said: Attribution, context: Context) -> Context:
        """Return `context` with what `said` may take along in its baggage."""
        for dimension in self.dimensions:
            value = getattr(said, dimension)
            if value and dimension == "user_id":
                value = self.name_user(value) if self.name_user else None
            if value:
                context = baggage.set_baggage(OF_DIMENSION[dimension], value, context)
        return context

    def unpack(self, context: Context | None) -> Attribution | None:
        """Return what another service sent along in `context`, or None for nothing."""
        sent = baggage.get_all(context)
        if not sent:
            return None
        said: dict[str, Any] = {each: safe_text(sent.get(OF_DIMENSION[each])) for each in self.dimensions}
        return Attribution(**said)


TRAVEL: Final = Travel()
"""The process's own; `configure` sets its list."""
