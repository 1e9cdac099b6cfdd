"""When two records speak of the same call."""

from __future__ import annotations

from typing import Final

from costspan.core.call import Call, UsageState

_INVALID: Final = UsageState.INVALID


def has_usage(call: Call) -> bool:
    """Return True when the record carries token counts that can be compared."""
    return bool(call.usage.quantities) and call.usage_state is not _INVALID


def same_counts(one: Call, other: Call) -> bool:
    """Return True when both report the same input, however cached, and the same output."""
    mine, theirs = one.usage, other.usage
    return (mine.context_tokens, mine.output_tokens) == (theirs.context_tokens, theirs.output_tokens)


def overlap(one: Call, other: Call) -> bool:
    """Return True when the two were running at the same time."""
    return one.started_at_ns <= other.ended_at_ns and other.started_at_ns <= one.ended_at_ns


def compatible_models(one: Call, other: Call) -> bool:
    """Return True when the two may have used one model: a shared name, or a snapshot of it, or nothing said."""
    mine, theirs = _bare(one), _bare(other)
    if not mine or not theirs:
        return True
    return any(a.startswith(b) or b.startswith(a) for a in mine for b in theirs)


def different_ids(one: Call, other: Call) -> bool:
    """Return True when both name their response and the names differ."""
    return bool(one.response_id and other.response_id and one.response_id != other.response_id)


def wraps(outer: Call, inner: Call) -> bool:
    """Return True when `outer`, an ancestor of `inner`, is a second record of the same request.

    A request contains no other request, so nesting alone nearly proves it; equal counts do, or one side having none.
    Instrumentations of one scope nest only where a client retries, and then their response ids differ. A proxy rewrites
    response ids, so across scopes different ids prove nothing.
    """
    if outer.response_id and outer.response_id == inner.response_id:
        return True
    if outer.scope_name == inner.scope_name and different_ids(outer, inner):
        return False
    if outer.failed != inner.failed:
        return False
    if has_usage(outer) and has_usage(inner):
        return same_counts(outer, inner)
    return True


def echoes(one: Call, other: Call) -> bool:
    """Return True when two records of one trace, neither above the other, speak of the same request.

    Two instrumentations of one client make such pairs. Within one instrumentation two spans are two calls, however
    alike: parallel identical requests exist.
    """
    return (
        one.scope_name != other.scope_name
        and not different_ids(one, other)
        and has_usage(one)
        and has_usage(other)
        and same_counts(one, other)
        and compatible_models(one, other)
        and overlap(one, other)
    )


def _bare(call: Call) -> tuple[str, ...]:
    return tuple(name.lower().rpartition("/")[2] for name in call.models)
