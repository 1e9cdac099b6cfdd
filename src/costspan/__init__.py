"""costspan: an LLM cost ledger on OpenTelemetry.

The public face. Importing it loads nothing but this file; each name is loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costspan.core.errors import BudgetExceeded as BudgetExceeded
    from costspan.pricing.quote import price as price
    from costspan.sdk.attribute import attribute as attribute
    from costspan.sdk.budgets.guard import budget as budget
    from costspan.sdk.carry import carry as carry
    from costspan.sdk.configure import configure as configure
    from costspan.sdk.track import current_call as current_call
    from costspan.sdk.track import track as track

__version__ = "0.1.0"
__all__ = [
    "BudgetExceeded",
    "__version__",
    "attribute",
    "budget",
    "carry",
    "configure",
    "current_call",
    "price",
    "track",
]

_HOME = {
    "BudgetExceeded": "costspan.core.errors",
    "attribute": "costspan.sdk.attribute",
    "carry": "costspan.sdk.carry",
    "budget": "costspan.sdk.budgets.guard",
    "configure": "costspan.sdk.configure",
    "current_call": "costspan.sdk.track",
    "price": "costspan.pricing.quote",
    "track": "costspan.sdk.track",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'costspan' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
