"""`Attribution`: who a call was made for, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final

from costspan.core.frozen import quickly_made


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Every dimension is text or None for "not said"; `tags` holds free names.

    The empty string is never a value: emitters send it for "not set" (LiteLLM sends thirty of them a span).
    """

    service: str | None = None
    environment: str | None = None
    feature: str | None = None
    team: str | None = None
    user_id: str | None = None
    session: str | None = None
    agent: str | None = None
    tool: str | None = None
    prompt: str | None = None
    tenant: str | None = None
    """Whose record it is: stamped by the server from the key it was sent with, never read from telemetry."""
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __hash__(self) -> int:
        return hash((tuple(getattr(self, name) for name in DIMENSIONS), tuple(sorted(self.tags.items()))))

    def scoped(self, identity: str) -> str:
        """Return an id as it tells this tenant's records from those of others, who may send the same ids."""
        return identity if self.tenant is None else f"{self.tenant}:{identity}"

    def or_else(self, other: Attribution) -> Attribution:
        """Return this attribution with what it leaves unsaid taken from `other`."""
        if other is self or other is NOBODY:
            return self
        merged = {name: getattr(self, name) or getattr(other, name) for name in DIMENSIONS}
        return Attribution(**merged, tags=MappingProxyType({**other.tags, **self.tags}))


NOBODY: Final = Attribution()
"""Nothing said."""

DIMENSIONS: tuple[str, ...] = tuple(item.name for item in fields(Attribution) if item.name != "tags")
SAYABLE: tuple[str, ...] = tuple(name for name in DIMENSIONS if name != "tenant")
"""What telemetry or configuration may say of a call."""
