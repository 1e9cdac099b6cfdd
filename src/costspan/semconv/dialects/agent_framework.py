"""Microsoft Agent Framework: chat spans below an agent span with the same sums.

Source: captured from agent-framework-core 1.23.0. The agent span names `microsoft.agent_framework` as its provider,
finish reasons are a JSON array in a string, and the server's address is a whole URL.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class AgentFramework(Dialect):
    """Spans of Microsoft Agent Framework."""

    name = "agent_framework"
    source = "agent-framework-core 1.23.0"
    markers = (b"gen_ai.",)
    scopes = ("agent_framework*",)
    tell_tale_values: ClassVar = {"gen_ai.provider.name": ("microsoft.agent_framework",)}
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI
