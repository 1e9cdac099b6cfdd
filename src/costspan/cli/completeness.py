"""What a total leaves out, in a sentence."""

from __future__ import annotations

from typing import Any


def completeness_text(said: dict[str, Any]) -> str:
    """Return the `completeness` of a document as a person reads it."""
    unpriced = said["unpriced_calls"]
    if not unpriced:
        return "Complete: every call that succeeded has a price."
    known = said["priced_calls"] + unpriced
    return (
        f"Incomplete: {unpriced:,} of {known:,} calls ({said['unpriced_tokens']:,} tokens) have no price or no usage"
        " and are not in the cost; costspan doctor says which."
    )
