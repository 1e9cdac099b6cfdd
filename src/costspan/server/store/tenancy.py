"""The ledger as one tenant sees it: the one place where what a tenant asks is kept to its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from costspan.core.errors import UsageError
from costspan.server.store.calls import CallsPage, CallsQuestion, TraceView
from costspan.server.store.ports import CallReader, LedgerReader
from costspan.server.store.question import Filter, LedgerSummary, SpendAnswer, SpendQuestion
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion, Touched
from costspan.server.store.tools import AskedTrace, ToolQuestion
from costspan.server.store.usage_history import UsageQuestion, UsageRow

_KEY: Final = "tenant"
_MOST_ALIKE: Final = 1_000
"""Traces with a common beginning that are looked through for the tenant's own."""


class Questions(LedgerReader, CallReader, Protocol):
    """All that may be asked of a ledger."""


@dataclass(frozen=True, slots=True)
class TenantReader:
    """Answers of what one tenant sent, whatever is asked. Two of one ledger and tenant are the same."""

    _reader: Questions
    _tenant: str

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Answer for the tenant's calls."""
        return self._reader.spend(replace(question, filters=self._own(question.filters)))

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        """Answer for the tenant's calls."""
        return self._reader.spend_series(replace(question, filters=self._own(question.filters)))

    def touched(self, after: datetime | None = None) -> Touched:
        """Answer for the whole ledger: a moment tells nothing of what another tenant sent."""
        return self._reader.touched(after)

    def calls(self, question: CallsQuestion) -> CallsPage:
        """Answer with the tenant's calls."""
        return self._reader.calls(replace(question, filters=self._own(question.filters)))

    def usage_history(self, question: UsageQuestion) -> Sequence[UsageRow]:
        """Answer with what the tenant's calls used."""
        return self._reader.usage_history(replace(question, filters=self._own(question.filters)))

    def tool_traces(self, question: ToolQuestion) -> Sequence[AskedTrace]:
        """Answer with the tenant's traces: a trace is of one tenant, whoever else uses its id."""
        return self._reader.tool_traces(replace(question, filters=self._own(question.filters)))

    def traces(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the ids of traces in which the tenant has a record."""
        alike = self._reader.traces(prefix, _MOST_ALIKE)
        return tuple(trace_id for trace_id in alike if _holds(self.trace(trace_id)))[:limit]

    def trace(self, trace_id: str) -> TraceView:
        """Return what the tenant recorded of a trace."""
        view, own = self._reader.trace(trace_id), self._tenant
        return TraceView(
            view.trace_id,
            tuple(entry for entry in view.entries if entry.attribution.tenant == own),
            tuple(entry for entry in view.elsewhere if entry.attribution.tenant == own),
            tuple(link for link in view.links if link.attribution.tenant == own),
            tuple(each for each in view.taken_back if each.entry.attribution.tenant == own),
        )

    def summary(self) -> LedgerSummary:
        """Raise UsageError: how much the whole ledger holds is nobody's own."""
        raise UsageError("a tenant sees no summary of the ledger")

    def _own(self, filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
        """Return the filters with the tenant's among them. Raise UsageError for one that asks for another's."""
        if any(each.key == _KEY and (each.excludes or each.value != self._tenant) for each in filters):
            raise UsageError(f"this key sees the tenant {self._tenant} alone")
        return (*(each for each in filters if each.key != _KEY), Filter(_KEY, self._tenant))


def _holds(view: TraceView) -> bool:
    return bool(view.entries or view.links or view.taken_back)
