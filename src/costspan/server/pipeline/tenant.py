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

    def own(claim: Claim) -> Claim:
        return replace(claim, attribution=replace(claim.attribution, tenant=tenant))

    batch = received.batch
    marked = Batch(
        [own(call) for call in batch.calls],
        [own(link) for link in batch.links],
        [replace(point, tenant=tenant) for point in batch.points],
        [own(use) for use in batch.tools],
    )
    return replace(received, batch=marked)
