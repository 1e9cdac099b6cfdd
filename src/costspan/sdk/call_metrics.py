"""The semantic conventions' own metrics of a model call, for calls whose instrumentation does not record them.

The official instrumentations, what we build on their parts and most frameworks do, and a second recording would double
every sum. So this is for scopes known to come without metrics: calls tracked by hand, and OpenInference's.
Source of names, units and buckets: semantic-conventions-genai, gen-ai-metrics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.sdk.trace import ReadableSpan

from costspan.core.call import Call
from costspan.sdk import attribute_names as names

_WITHOUT_METRICS: Final = ("costspan.track", "openinference.instrumentation.")
_TOKEN_BUCKETS: Final = tuple(4.0**power for power in range(14))
_SECOND_BUCKETS: Final = tuple(0.01 * 2**power for power in range(14))
_NS_PER_S: Final = 1_000_000_000


class CallMetrics:
    """Tokens, duration and time to first chunk, as histograms of `meter`."""

    def __init__(self, meter: Meter) -> None:
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used",
            explicit_bucket_boundaries_advisory=_TOKEN_BUCKETS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="Duration of a model call",
            explicit_bucket_boundaries_advisory=_SECOND_BUCKETS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time from the request to the first chunk of a streamed answer",
            explicit_bucket_boundaries_advisory=_SECOND_BUCKETS,
        )

    def record(self, span: ReadableSpan, call: Call, labels: Mapping[str, str], context: Context) -> None:
        """Record `call`, unless the instrumentation that made `span` has done so."""
        scope = span.instrumentation_scope
        if scope is None or not scope.name.startswith(_WITHOUT_METRICS):
            return
        common = {**labels, names.OPERATION: call.operation}
        for kind, tokens in (("input", call.usage.context_tokens), ("output", call.usage.output_tokens)):
            if tokens:
                self._tokens.record(tokens, {**common, names.TOKEN_TYPE: kind}, context)
        failure = {names.ERROR_TYPE: call.error_type} if call.error_type else {}
        self._duration.record((call.ended_at_ns - call.started_at_ns) / _NS_PER_S, {**common, **failure}, context)
        if call.time_to_first_chunk_s is not None:
            self._first_chunk.record(call.time_to_first_chunk_s, common, context)
