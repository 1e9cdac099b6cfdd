"""A method of somebody else's class, replaced once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

_OURS: Final = "_costspan_replaced"


def replace_method(owner: type, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `around(method)` in the place of a method of `owner`, unless that has been done before.

    Raises AttributeError where `owner` has no such method.
    """
    method = getattr(owner, name)
    if not hasattr(method, _OURS):
        replacement = functools.wraps(method)(around(method))
        setattr(replacement, _OURS, True)
        setattr(owner, name, replacement)
