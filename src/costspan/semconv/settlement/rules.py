"""What the user's configuration adds to a settled record: attribution nobody said, sampling nobody reported."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from costspan.core.call import Signal
from costspan.semconv.attribution_rules import AttributionRules
from costspan.semconv.sampling_ratios import SamplingRatios
from costspan.semconv.settlement.settle import Settled


@dataclass(frozen=True, slots=True)
class SettlingRules:
    """Applied to every record between the election and the price."""

    attribution: AttributionRules = field(default_factory=AttributionRules)
    sampling: SamplingRatios = field(default_factory=SamplingRatios)

    def complete(self, settled: Settled) -> Settled:
        """Return `settled` with what the rules add. Only spans are sampled: logs and metrics are sent in full."""
        if not self.attribution.rules and not self.sampling.by_service:
            return settled
        call = self.attribution.call(settled.call)
        adjusted = settled.adjusted
        if adjusted is None and call.signal is Signal.SPAN:
            adjusted = self.sampling.adjusted_count(call.attribution.service)
        if call is settled.call and adjusted is settled.adjusted:
            return settled
        return replace(settled, call=call, adjusted=adjusted, received=settled.received or settled.call)
