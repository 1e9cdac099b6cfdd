"""What a provider's usage object says that the conventions have no name for and that changes the price: for how long a
cache was written, which tier served, searches and other work billed beside the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from costspan.sdk import attribute_names as names
from costspan.semconv.raw_usage import read_usage

_UNNAMED: Final = {
    "cache_write_5m": names.CACHE_WRITE_5M,
    "cache_write_1h": names.CACHE_WRITE_1H,
    "tool_use_input": names.TOOL_USE_TOKENS,
    "web_search": names.WEB_SEARCHES,
    "code_execution": names.CODE_EXECUTIONS,
}


def usage_attributes(usage: Mapping[str, Any]) -> dict[str, int | str]:
    """Return span attributes for a usage object in the provider's own words; none for one of an unknown shape."""
    read = read_usage(usage)
    if read is None:
        return {}
    found: dict[str, int | str] = {key: getattr(read.counts, fact) for fact, key in _UNNAMED.items()}
    tier = {names.SERVED_TIER: read.mode} if read.mode else {}
    return {key: value for key, value in (found | tier).items() if value}
