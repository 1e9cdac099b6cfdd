"""opencode: the current names, a list-price cost of its own, cached and reasoning tokens inside the totals.

Source: opencode's OpenTelemetry plugin documentation and tests, 2026. The cost is 0 where opencode has no price.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class OpenCode(Dialect):
    """Spans of opencode."""

    name = "opencode"
    source = "opencode, 2026"
    markers = (b"gen_ai.",)
    scopes = ("opencode*", "@opencode*")
    tell_tales: ClassVar = ("opencode.",)
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(reported_cost_usd=("opencode.llm.cost.total", "opencode.llm.cost"))
