"""`ToolUse`: one execution of a tool by an agent, as its span tells it. It is no call: calls around it cost money."""

from __future__ import annotations

from dataclasses import dataclass, field

from costspan.core.attribution import Attribution


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """A tool that ran. Ids are lower-case hex; `call_id` is the model's own id of the request to run it.

    `error_type` is None for a use that succeeded.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    started_at_ns: int
    ended_at_ns: int
    call_id: str | None = None
    error_type: str | None = None
    attribution: Attribution = field(default_factory=Attribution)

    @property
    def identity(self) -> str:
        """What makes a use the same use when its span is sent again."""
        return self.attribution.scoped(f"{self.trace_id}/{self.span_id}")
