"""The official LangChain instrumentation.

Source: captured from opentelemetry-instrumentation-genai-langchain 1.3b0. Alone it loses cached and reasoning
tokens; with a provider's instrumentation beside it there is one span with all of them.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class LangChain(Dialect):
    """Chat spans with usage; chain, agent and tool spans without."""

    name = "langchain"
    source = "opentelemetry-instrumentation-genai-langchain 1.3b0"
    markers = (b"gen_ai.",)
    scopes = ("opentelemetry.instrumentation.genai.langchain*",)
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI
