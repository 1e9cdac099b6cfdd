"""The list of dialects. Order is the order of detection: the narrowest first, the specification last."""

from __future__ import annotations

from typing import Final

from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.openinference import OpenInference
from costspan.semconv.dialects.openllmetry import OpenLLMetry
from costspan.semconv.dialects.otel_genai import OtelGenAI
from costspan.semconv.dialects.otel_genai_legacy import OtelGenAILegacy

DIALECTS: Final[tuple[Dialect, ...]] = (OpenInference(), OpenLLMetry(), OtelGenAILegacy(), OtelGenAI())

MARKERS: Final = tuple(dict.fromkeys(marker for dialect in DIALECTS for marker in dialect.markers))
"""A span without any of these byte strings is no model call and is not parsed."""
