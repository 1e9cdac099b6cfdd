"""Sampled traces never lose money: model calls a sampler drops are still recorded, for metrics, and not exported.

Wrapped around the sampler of the tracer provider by `configure` (docs/decisions/0008-count-before-sampling.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from costspan.sdk.model_span import is_model_call, tells_of_a_model
from costspan.sdk.safety import never_raise

_RATIO: Final = re.compile(r"(?:ParentBased\{root:)?TraceIdRatioBased\{([0-9.e+-]+)\}")
"""Descriptions are specified: opentelemetry-specification, specification/trace/sdk.md#traceidratiobased."""

_BITS: Final = 56
_SPACE: Final = 1 << _BITS
_LOW_64: Final = (1 << 64) - 1


class CountingSampler(Sampler):
    """Decides as `decide` does, except that a model call it drops is recorded without being sampled.

    A trace that begins here under a ratio says the ratio in its tracestate, so that a backend can extrapolate; the
    samplers of the Python SDK leave that out.
    """

    def __init__(self, decide: Sampler) -> None:
        self._decide = decide
        self._takes_all = decide is ALWAYS_ON or decide is DEFAULT_ON
        said = _RATIO.match(decide.get_description())
        ratio = float(said.group(1)) if said else 1.0
        self._ratio = ratio if 0 < ratio < 1 else None

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if self._takes_all and not (get_current() if parent_context is None else parent_context):
            # With nothing around the span there is nothing to ask: the answer would be this, and takes 10 µs.
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        result = self._decide.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if result.decision is Decision.RECORD_AND_SAMPLE and self._ratio is None:
            return result
        return self._completed(result, parent_context, trace_id, attributes) or result

    def get_description(self) -> str:
        return f"Counting{{{self._decide.get_description()}}}"

    @never_raise(None)
    def _completed(
        self, result: SamplingResult, parent_context: Context | None, trace_id: int, attributes: Attributes
    ) -> SamplingResult | None:
        # What is below a model call is recorded too, for the propagator to know that it is below one.
        if result.decision is Decision.DROP and (
            tells_of_a_model(attributes) or is_model_call(get_current_span(parent_context))
        ):
            kept = {**(attributes or {}), **(result.attributes or {})}
            return SamplingResult(Decision.RECORD_ONLY, kept, result.trace_state)
        if self._ratio and result.decision is Decision.RECORD_AND_SAMPLE and not _has_parent(parent_context):
            state = _with_threshold(result.trace_state or TraceState(), self._ratio, trace_id)
            return SamplingResult(result.decision, result.attributes, state)
        return None


def _has_parent(context: Context | None) -> bool:
    return get_current_span(context).get_span_context().is_valid


def _with_threshold(state: TraceState, ratio: float, trace_id: int) -> TraceState:
    """Return `state` with the threshold and, since the SDK keeps low trace ids and the specification high ones, with
    the randomness that makes the decision consistent.

    Source: opentelemetry-specification, specification/trace/tracestate-probability-sampling.md.
    """
    kept = -(-round(ratio * (_LOW_64 + 1)) >> (64 - _BITS))
    if state.get("ot") or not 0 < kept < _SPACE:
        return state
    threshold = f"{_SPACE - kept:014x}".rstrip("0")
    randomness = _SPACE - 1 - ((trace_id & _LOW_64) >> (64 - _BITS))
    return state.add("ot", f"th:{threshold};rv:{randomness:014x}")
