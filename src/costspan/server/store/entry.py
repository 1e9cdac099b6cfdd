"""What the ledger takes: records as received, entries as settled and priced, and the entries they take back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from costspan.core.attribution import Attribution
from costspan.core.call import Call, Role
from costspan.core.charge import PricedUsage
from costspan.core.frozen import quickly_made
from costspan.core.link import Link
from costspan.core.record import MetricPoint
from costspan.core.tool import ToolUse
from costspan.semconv.metrics import MetricState
from costspan.semconv.sampling import adjusted_count
from costspan.semconv.settlement.settle import Settled
from costspan.semconv.settlement.witness import Witness

MAX_ESTIMATE: Final = 2**63 - 1
"""9.2 million dollars in pico-dollars: a single call that stands for more says its sampling wrong."""
_OWNER: Final = Role.OWNER
_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=dict)


@quickly_made
@dataclass(frozen=True, slots=True)
class Entry:
    """A settled call and what it cost. Immutable; a change is a reversal and a new entry."""

    settled: Settled
    priced: PricedUsage
    card_version: str

    @property
    def call(self) -> Call:
        """The call, with what its other records add."""
        return self.settled.call

    @property
    def role(self) -> Role:
        """Whether the entry counts."""
        return self.settled.role

    @property
    def estimated_cost(self) -> int | None:
        """Cost times the adjusted count, in pico-dollars; None where sampling or cost is unknown or absurd."""
        adjusted = self.settled.adjusted
        if adjusted is None or (cost := self.priced.cost) is None:
            return None
        estimate = adjusted.times(cost)
        return estimate if estimate <= MAX_ESTIMATE else None


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """A tool use as received, and whom it was for once the spans above it are known."""

    use: ToolUse
    attribution: Attribution

    @property
    def digest(self) -> str:
        """What tells two verdicts on a tool use apart."""
        return hashlib.blake2b(_ENCODER.encode(self.attribution), digest_size=12).hexdigest()


@quickly_made
@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record as it was received, without its content, for a later reading. `encoded` is for the pipeline to read.

    `key` is what makes it itself among the records of its tenant.
    """

    key: str
    started_at_ns: int
    encoded: bytes
    tenant: str | None = None

    @property
    def identity(self) -> str:
        """What makes a record the same record when it is sent again."""
        return Attribution(tenant=self.tenant).scoped(self.key) if self.tenant else self.key


@dataclass(frozen=True, slots=True)
class Batch:
    """Records as received, none of them judged; `points` become calls once it is known what their series counted.

    The span of a tool use is also among `links` or `calls`; `kept` are those of them that are kept as received.
    """

    calls: Sequence[Call] = ()
    links: Sequence[Link] = ()
    points: Sequence[MetricPoint] = ()
    tools: Sequence[ToolUse] = ()
    kept: Sequence[KeptRecord] = ()

    @property
    def records(self) -> list[Call | Link]:
        """Every span and event in the batch, once."""
        return [*self.calls, *self.links]


@quickly_made
@dataclass(frozen=True, slots=True)
class Standing:
    """The entry that stands for a record now."""

    entry_id: int
    digest: str


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """All the ledger knows of the traces and response ids some records touch. `standing` is by identity.

    `cut` names the traces and response ids that have more records than are settled together.
    """

    calls: Sequence[Call] = ()
    links: Sequence[Link] = ()
    witnesses: frozenset[Witness] = frozenset()
    standing: Mapping[str, Standing] = field(default_factory=dict)
    tools: Sequence[ToolUse] = ()
    standing_tools: Mapping[str, Standing] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()

    @property
    def records(self) -> list[Call | Link]:
        """Every call and link."""
        return [*self.calls, *self.links]


@dataclass(frozen=True, slots=True)
class Posting:
    """One atomic addition: new records, entries taken back (by id), entries added. Every new call has an entry."""

    batch: Batch
    reversed_entry_ids: Sequence[int] = ()
    entries: Sequence[Entry] = ()
    metrics: MetricState | None = None
    """What cumulative metric series have counted now, where that changed; durable with the calls read from them."""
    tools: Sequence[ToolEntry] = ()
    reread: Sequence[str] = ()
    """Identities of records that are in `batch` as they are read now, and no longer as they were read before."""


def key_of(identity: str | None) -> bytes | None:
    """Return a record's identity as the 128-bit key ledgers join on."""
    return hashlib.blake2b(identity.encode(), digest_size=16).digest() if identity else None


def key_text_of(identity: str | None) -> str | None:
    """Return the key in hex."""
    key = key_of(identity)
    return key.hex() if key else None


def digest(settled: Settled) -> str:
    """Return what tells two verdicts on a record apart: nothing for one that stands alone, as most do.

    Prices are left out, since they change only by re-pricing; so is a record to which nothing was added.
    """
    adjusted, call = settled.adjusted, settled.call
    if not settled.as_received:
        return full_digest(settled)
    if settled.role is _OWNER and settled.reason is None and adjusted == adjusted_count(call.trace_state):
        return ""
    verdict = f"{settled.role}/{settled.owner}/{adjusted.kept}/{adjusted.of}" if adjusted else settled.owner or ""
    return hashlib.blake2b(f"{settled.role}/{verdict}".encode(), digest_size=12).hexdigest()


def full_digest(settled: Settled) -> str:
    """Return the digest with the call in it, which ledgers of an earlier schema have for every entry."""
    sampled = (settled.adjusted.kept, settled.adjusted.of) if settled.adjusted else None
    verdict = _ENCODER.encode((settled.call, settled.role, settled.owner, sampled))
    return hashlib.blake2b(verdict, digest_size=12).hexdigest()


def is_same_verdict(settled: Settled, stands: Standing) -> bool:
    """Return True when the entry that stands says what `settled` says."""
    return stands.digest == digest(settled) or (settled.as_received and stands.digest == full_digest(settled))
