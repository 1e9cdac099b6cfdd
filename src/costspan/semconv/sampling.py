"""How many calls a sampled one stands for (accounting rule 7).

Source: opentelemetry-specification, specification/trace/tracestate-probability-sampling.md: `ot=th:<hex>` is the
rejection threshold T, left-justified to 56 bits; the adjusted count is 2^56 / (2^56 - T). No `th` is unknown, not 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_SPACE: Final = 2**56
_DIGITS: Final = 14


@dataclass(frozen=True, slots=True)
class AdjustedCount:
    """An exact ratio: one recorded call stands for `of` / `kept` of them."""

    kept: int
    of: int = _SPACE

    def __float__(self) -> float:
        return self.of / self.kept

    def times(self, amount: int) -> int:
        """Return `amount` times the ratio, rounded half-even once."""
        quotient, rest = divmod(amount * self.of, self.kept)
        return quotient + (2 * rest > self.kept or (2 * rest == self.kept and quotient % 2 == 1))


@lru_cache(maxsize=1024)
def adjusted_count(trace_state: str) -> AdjustedCount | None:
    """Return the adjusted count a tracestate says, or None where it says none or what it says is damaged."""
    member = next((part for part in trace_state.split(",") if part.strip().startswith("ot=")), None)
    if member is None:
        return None
    threshold = next((key[3:] for key in member.strip()[3:].split(";") if key.startswith("th:")), None)
    if not threshold or len(threshold) > _DIGITS:
        return None
    try:
        rejected = int(threshold.ljust(_DIGITS, "0"), 16)
    except ValueError:
        return None
    return AdjustedCount(_SPACE - rejected) if 0 <= rejected < _SPACE else None
