"""Spring AI and LangChain4j, through Micrometer: the names before 1.37, every value a string.

Source: spring-projects/spring-ai observation conventions; langchain4j observability module, 2026. `none` is
Micrometer's word for "not set". Advisors and chat clients are spans above the model's and carry no counts.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class SpringAI(Dialect):
    """Model observations of the Java frameworks."""

    name = "spring_ai"
    source = "spring-ai, langchain4j, 2026"
    markers = (b"gen_ai.",)
    scopes = ("dev.langchain4j*", "io.quarkiverse.langchain4j*")
    tell_tales: ClassVar = ("spring.",)
    operations: ClassVar = {"image": "image_generation", "framework": None}
    vocabulary = GEN_AI
