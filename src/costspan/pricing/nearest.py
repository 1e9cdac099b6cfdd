"""Known model names that look like one nobody knows, for whoever has to say "did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from costspan.pricing.load import built_in, profiles

_LEAST_LIKENESS = 0.6


def nearest_names(model: str, providers: Iterable[str] | None = None, most: int = 5) -> list[tuple[str, str]]:
    """Return up to `most` (provider, model) of the published lists whose name is like `model`, the likest first."""
    owners: dict[str, tuple[str, str]] = {}
    for provider in providers if providers is not None else profiles():
        if listed := built_in(provider):
            for entry in listed.entries:
                owners.setdefault(entry.model.lower(), (provider, entry.model))
            for literal in listed.index.literals:
                owners.setdefault(literal, (provider, literal))
    near = difflib.get_close_matches(model.lower().rpartition("/")[2], sorted(owners), n=most, cutoff=_LEAST_LIKENESS)
    return [owners[name] for name in near]
