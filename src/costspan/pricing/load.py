"""Load the rate card: the built-in catalogue and its patches, read one provider at a time, under a user's overlays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from costspan.pricing.catalogue_file import backfilled, read_list, read_profiles
from costspan.pricing.overlay import overlay_lists
from costspan.pricing.rate_card import Layer, PriceEntry, ProviderList, ProviderProfile, RateCard

CATALOGUE: Final = Path(__file__).parent / "catalogue"
PATCHES: Final = Path(__file__).parent / "patches"
INDEX: Final = "index.toml"


def load_rate_card(overlays: Sequence[Mapping[str, object]] = (), catalogue: Path = CATALOGUE) -> RateCard:
    """Return the rate card with `overlays` (the `prices:` list of a configuration) on top.

    `catalogue` is the folder of published prices; the patches stay ours whichever it is. Cheap: a provider's file is
    read when its first call is priced. Raises ConfigError, naming entry and key, for a wrong overlay.
    """
    lists = overlay_lists(overlays, profiles(catalogue))

    def listed(layer: Layer, provider: str) -> ProviderList | None:
        if layer is Layer.BUILT_IN:
            return built_in(provider, catalogue)
        return patched(provider, catalogue) if layer is Layer.PATCH else lists.get((layer, provider))

    return RateCard(
        version=_version(overlays, catalogue),
        profiles=profiles(catalogue),
        listed=listed,
        overlay_providers=frozenset(provider for _, provider in lists) - profiles(catalogue).keys(),
    )


@cache
def profiles(catalogue: Path = CATALOGUE) -> Mapping[str, ProviderProfile]:
    """Return how each provider is recognised; a provider that only patches know answers to its own name."""
    found = read_profiles(catalogue / INDEX)
    for path in PATCHES.glob("*.toml"):
        found.setdefault(path.stem, ProviderProfile(provider=path.stem, name=path.stem))
    return found


@cache
def built_in(provider: str, catalogue: Path = CATALOGUE) -> ProviderList | None:
    """Return a provider's published list, or None where the catalogue has none."""
    path = catalogue / f"{provider}.toml"
    if provider not in profiles(catalogue) or not path.exists():
        return None
    return ProviderList.of(read_list(path, Layer.BUILT_IN).entries)


@cache
def patched(provider: str, catalogue: Path = CATALOGUE) -> ProviderList | None:
    """Return our corrections to a provider's list, or None where there are none.

    An entry without names of its own is ordered first, so that one that names a model is laid over it.
    """
    path = PATCHES / f"{provider}.toml"
    if provider not in profiles(catalogue) or not path.exists():
        return None
    read = read_list(path, Layer.PATCH)
    published = built_in(provider, catalogue)
    earlier: tuple[PriceEntry, ...] = ()
    if published:
        earlier = tuple(backfilled(published.entries, read.backfills))
    return ProviderList.of((*earlier, *read.entries))


@cache
def _files_hash(catalogue: Path) -> bytes:
    content = hashlib.sha256()
    for path in (*sorted(catalogue.glob("*.toml")), *sorted(PATCHES.glob("*.toml"))):
        folder = PATCHES.name if path.parent == PATCHES else CATALOGUE.name
        content.update(f"{folder}/{path.name}\n".encode())
        content.update(path.read_bytes())
    return content.digest()


def _version(overlays: Sequence[Mapping[str, object]], catalogue: Path) -> str:
    content = hashlib.sha256(_files_hash(catalogue))
    if overlays:
        content.update(json.dumps([dict(entry) for entry in overlays], sort_keys=True, default=str).encode())
    return f"sha256:{content.hexdigest()[:16]}"
