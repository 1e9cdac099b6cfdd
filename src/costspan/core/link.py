"""`Link`: what settlement keeps of a span that is no call: where it hangs, whom it was for, how it was sampled."""

from __future__ import annotations

from dataclasses import dataclass, field

from costspan.core.attribution import Attribution
from costspan.core.frozen import Identified, quickly_made


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Identified):
    """A span between calls. Ids are lower-case hex; `parent_span_id` is None for a root."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    started_at_ns: int
    trace_state: str = ""
    attribution: Attribution = field(default_factory=Attribution)

    @property
    def identity(self) -> str:
        """What makes a span the same span when it is sent again."""
        try:
            return self._identity
        except AttributeError:
            identity = self.attribution.scoped(f"{self.trace_id}/{self.span_id}")
            object.__setattr__(self, "_identity", identity)
            return identity
