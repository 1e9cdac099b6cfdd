"""Labels of metrics, each with a bounded number of values: a backend keeps a series for every combination for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MAX_VALUES: Final = 200
OTHER: Final = "other"


class BoundedLabels:
    """Lets the first `limit` values of each label through in this process and calls every later one `other`."""

    def __init__(self, limit: int = MAX_VALUES) -> None:
        self._limit = limit
        self._known: dict[str, set[str]] = {}

    def of(self, labels: Mapping[str, str | None]) -> dict[str, str]:
        """Return `labels` without the empty ones, and with what is one too many called `other`."""
        return {name: self._bounded(name, value) for name, value in labels.items() if value}

    def _bounded(self, name: str, value: str) -> str:
        known = self._known.setdefault(name, set())
        if value in known:
            return value
        if len(known) >= self._limit:
            return OTHER
        known.add(value)
        return value
