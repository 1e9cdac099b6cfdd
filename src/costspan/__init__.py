"""costspan: an LLM cost ledger on OpenTelemetry.

The public face. Importing it loads nothing but this file; each name is loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costspan.pricing.quote import price as price
    from costspan.sdk.attribute import attribute as attribute
    from costspan.sdk.carry import carry as carry
    from costspan.sdk.configure import configure as configure

__version__ = "0.1.0"
__all__ = ["__version__", "attribute", "carry", "configure", "price"]

_HOME = {
    "attribute": "costspan.sdk.attribute",
    "carry": "costspan.sdk.carry",
    "configure": "costspan.sdk.configure",
    "price": "costspan.pricing.quote",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'costspan' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
