"""Whose questions these are: the ledger as the key of a request may see it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from costspan.server.receiver.gate import Forbidden
from costspan.server.receiver.keys import Key
from costspan.server.store.tenancy import Questions, TenantReader

_TENANTS_PATHS: Final = (
    "/api/v1/spend",
    "/api/v1/calls",
    "/api/v1/tools",
    "/api/v1/latency",
    "/api/v1/forecast",
    "/api/v1/whatif",
    "/api/v1/anomalies",
    "/api/v1/growth",
    "/api/v1/traces/",
    "/openapi.json",
)
"""What a tenant may ask. Anything else is about the server or all of its ledger."""


def seen_by(request: Request, reader: Questions) -> Questions:
    """Return `reader` as the key of `request` sees it: a tenant's own, or all of it."""
    key: Key = request.state.key
    return reader if key.tenant is None else TenantReader(reader, key.tenant)


def refuse_beyond_tenant(key: Key, path: str) -> None:
    """Raise Forbidden where a tenant's key asks for what is not kept apart by tenant."""
    if key.tenant is not None and not path.startswith(_TENANTS_PATHS):
        raise Forbidden(f"the key {key.name} sees the tenant {key.tenant} alone; it may not ask this")
