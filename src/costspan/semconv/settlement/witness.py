"""One signal counts per source: spans, then details events, then vendor events, then metrics (accounting rule 5.5).

An event or a metric point that hangs in no span cannot be matched to one call. What can be told is whether its source,
a service and where known a session, sends a better signal for that model; then all of the lesser is a repetition.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from costspan.core.call import Call, Signal

_RANK: Final = {signal: rank for rank, signal in enumerate(Signal)}


class Witness(NamedTuple):
    """That a source was heard on a signal: its service, its session where it names one, a model in lower case."""

    tenant: str | None
    service: str | None
    session: str | None
    model: str
    signal: Signal


def is_unplaced(call: Call) -> bool:
    """Return True for a claim that hangs in no span."""
    return not call.span_id and call.signal is not Signal.SPAN


def testimony(calls: Iterable[Call]) -> frozenset[Witness]:
    """Return what `calls` prove about the signals of their sources."""
    return frozenset(
        Witness(call.attribution.tenant, call.attribution.service, call.attribution.session, name, call.signal)
        for call in calls
        if call.signal is not Signal.METRIC
        for name in _names(call) or ("",)
    )


def better_signal(call: Call, witnesses: Iterable[Witness]) -> Signal | None:
    """Return the best signal on which the source of an unplaced `call` was heard, if it is better than the call's own.

    A call that names its session is repeated by that session only; one without is repeated by any of its service.
    """
    who = call.attribution
    heard = [
        witness.signal
        for witness in witnesses
        if _RANK[witness.signal] < _RANK[call.signal]
        and (witness.tenant, witness.service) == (who.tenant, who.service)
        and (who.session is None or witness.session == who.session)
        and _may_be_one(witness.model, _names(call))
    ]
    return min(heard, key=_RANK.__getitem__, default=None)


def _names(call: Call) -> tuple[str, ...]:
    return tuple(name.lower().rpartition("/")[2] for name in call.models)


def _may_be_one(model: str, names: tuple[str, ...]) -> bool:
    return not model or not names or any(model.startswith(name) or name.startswith(model) for name in names)
