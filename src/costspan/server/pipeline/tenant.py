"""Marking what came with a tenant's key as that tenant's: the only place where the dimension `tenant` is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from costspan.core.call import Call
from costspan.core.link import Link
from costspan.core.tool import ToolUse
from costspan.server.pipeline.signals import Received
from costspan.server.store.entry import Batch

Claim = TypeVar("Claim", Call, Link, ToolUse)


def of_tenant(received: Received, tenant: str | None) -> Received:
    """Return the records as those of `tenant`; as they are where there is none."""
    if tenant is None:
        return received

    batch = received.batch
    marked = Batch(
        [owned(call, tenant) for call in batch.calls],
        [owned(link, tenant) for link in batch.links],
        [replace(point, tenant=tenant) for point in batch.points],
        [owned(use, tenant) for use in batch.tools],
        [replace(record, tenant=tenant) for record in batch.kept],
    )
    return replace(received, batch=marked)


def owned(claim: Claim, tenant: str | None) -> Claim:
    """Return what was read as that of `tenant`; as it is where there is none."""
    return claim if tenant is None else replace(claim, attribution=replace(claim.attribution, tenant=tenant))
