"""Semantic Kernel: the names before 1.37, with a finish reason in the singular.

Source: read from semantic-kernel 1.45.0. No cached or reasoning tokens.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class SemanticKernel(Dialect):
    """Spans of Semantic Kernel's connectors."""

    name = "semantic_kernel"
    source = "semantic-kernel 1.45.0"
    markers = (b"gen_ai.",)
    scopes = ("semantic_kernel*", "Microsoft.SemanticKernel*")
    usual: ClassVar = INCLUSIVE
    operations: ClassVar = {"chat.completions": "chat", "text.completions": "text_completion"}
    vocabulary = GEN_AI
