"""`Entry`: one call with its verdict and its role, as the ledger takes it. Immutable; corrections are new entries."""

from __future__ import annotations

from dataclasses import dataclass

from costspan.core.call import Call, Role
from costspan.core.charge import PricedUsage


@dataclass(frozen=True, slots=True)
class Entry:
    """A call, what it cost, and whether it is the one that counts."""

    call: Call
    priced: PricedUsage
    card_version: str
    role: Role = Role.OWNER

    @property
    def identity(self) -> tuple[str, str]:
        """What makes a record the same record when it is sent again (accounting rule 5.1)."""
        return self.call.trace_id, self.call.span_id
