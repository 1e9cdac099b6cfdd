"""Two readings of one call, the emitter's attributes and the provider's raw answer, become one usage.

The raw answer fills in what the attributes lost. Where the two contradict each other the attributes stay and the call
says so: an answer may have been edited, cut off or belong to another attempt.
"""

from __future__ import annotations

from typing import Final

from costspan.core.call import UsageState
from costspan.core.units import FEE_UNITS, TOKEN_UNITS, Unit
from costspan.core.usage import Usage
from costspan.semconv.conventions import Counts, Split, split
from costspan.semconv.raw_usage import RawUsage

_UNREADABLE: Final = (UsageState.MISSING, UsageState.INVALID)


def reconciled(counts: Counts, said: Split, raw: RawUsage) -> Split:
    """Return the usage of a call from its attributes (`counts`, split into `said`) and its raw answer."""
    told = split(raw.counts, raw.convention)
    if told.state in _UNREADABLE:
        return said
    if said.state is UsageState.MISSING:
        return told
    if said.state is UsageState.INVALID:
        return Split(told.usage, told.state, f"{said.note}; the provider's raw answer was read", told.time_to_live_said)
    if not _agree(counts, said, told, raw):
        tokens = f"{told.usage.context_tokens} input and {told.usage.output_tokens} output tokens"
        note = f"the raw answer says {tokens}; the attributes were kept"
        return Split(said.usage, said.state, f"{said.note}; {note}" if said.note else note, said.time_to_live_said)
    finer = told if _detail(told) >= _detail(said) else said
    quantities: dict[Unit, int] = {unit: finer.usage[unit] for unit in TOKEN_UNITS}
    quantities.update({unit: max(told.usage[unit], said.usage[unit]) for unit in FEE_UNITS})
    return Split(Usage(quantities), told.state, None, finer.time_to_live_said)


def _agree(counts: Counts, said: Split, told: Split, raw: RawUsage) -> bool:
    """Return True when both mean the same tokens; a side the attributes do not give is no contradiction.

    The emitter may have copied the provider's number or have added cached, tool-use or reasoning tokens to it.
    """
    context = told.usage.context_tokens
    inputs = {context, context - (raw.counts.tool_use_input or 0), raw.counts.input}
    outputs = {told.usage.output_tokens, raw.counts.output}
    same_input = counts.input is None or counts.input in inputs or said.usage.context_tokens in inputs
    return same_input and (counts.output is None or counts.output in outputs or said.usage.output_tokens in outputs)


def _detail(split_usage: Split) -> int:
    return sum(1 for unit in TOKEN_UNITS if split_usage.usage[unit])
