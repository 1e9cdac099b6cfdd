"""A host's values as text that cannot do harm: not while it is made, and not to the batch it is sent in."""

from __future__ import annotations

from costspan.sdk.safety import never_raise


@never_raise(None)
def safe_text(value: object) -> str | None:
    """Return `value` as text, or None for None, for empty text and for a value that cannot be written as text.

    Half a surrogate pair becomes `?`: no OTLP exporter can encode it, and one such value would take its whole batch
    of spans with it.
    """
    if value is None:
        return None
    said = str(value)
    return (said if said.isascii() else said.encode("utf-8", "replace").decode("utf-8")) or None
