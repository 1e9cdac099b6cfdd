"""What a request's path is for: OTLP, which guards itself; pages, which say nothing of the ledger; all the rest."""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

NOT_PAGES: Final = frozenset({"api", "v1", "healthz", "readyz", "metrics", "openapi.json", "login", "logout"})
"""First parts of paths that the dashboard leaves to others."""
_OPEN: Final = frozenset({"healthz", "readyz", "login", "logout"})
"""What answers without a key: load balancers ask the first two, and the others are how a browser presents its key."""


def route_path(scope: Scope) -> str:
    """Return the path as routes see it: without the prefix under which a proxy serves costspan."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if path == root or path.startswith(f"{root}/") else path


def is_otlp(scope: Scope) -> bool:
    """Return True for a request to an OTLP door."""
    return route_path(scope).startswith("/v1/")


def is_open(scope: Scope) -> bool:
    """Return True for a request that needs no key: a page or a file of the dashboard, and what leads to a key."""
    first = route_path(scope).removeprefix("/").partition("/")[0]
    return first in _OPEN or (first not in NOT_PAGES and scope["method"] in {"GET", "HEAD"})
