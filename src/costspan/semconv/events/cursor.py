"""Cursor: `cursor.api.request` and `cursor.api.error`, exported by Cursor's servers.

Source: cursor.com/docs/enterprise/opentelemetry-export/wire, scope `cursor.telemetry` 0.1.0. The names are attributes
of a record whose body is `api_request` or `api_error`; `cursor.event.id` is the emitter's own key for redelivery. The
provider is never named. A request marked as not billable is kept and uses nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from costspan.core.call import Call, UsageState
from costspan.core.record import Attributes, LogRecord
from costspan.core.usage import Usage
from costspan.semconv.attributes import first, flag, text, whole_number
from costspan.semconv.conventions import CACHE_APART, Counts, Split, split
from costspan.semconv.events.base import NO_USAGE, EventEmitter, failure, names
from costspan.semconv.vendor import Who, bare_model, with_doubt

APART_UNDOCUMENTED: Final = "Cursor does not say whether input contains cached tokens; read as apart from it"
NOT_BILLED: Final = "the emitter says it was not billed"
WHO: Final = Who(
    session=("cursor.conversation.id",),
    user_id=("cursor.user.id",),
    team=("cursor.team.id",),
    tags=("cursor.surface", "cursor.entrypoint"),
)


class Cursor(EventEmitter):
    """Log events of Cursor's export for enterprises."""

    name: ClassVar = "cursor"
    source: ClassVar = "cursor.com/docs/enterprise/opentelemetry-export/wire, 2026-09"
    markers: ClassVar = (b"cursor.",)
    who: ClassVar = WHO

    def recognizes(self, record: LogRecord) -> bool:
        """Return True for its scope and for its event names."""
        return record.scope.name.startswith("cursor.") or any(name.startswith("cursor.") for name in names(record))

    def read(self, record: LogRecord) -> Call | None:
        """Return the request that was answered or that failed."""
        kinds = {name.removeprefix("cursor.").replace("api.", "api_", 1) for name in names(record)}
        if "api_request" in kinds:
            return self._named(record, self._usage(record.attributes))
        if "api_error" in kinds:
            error = failure(record.attributes, ("cursor.api.status",), ("cursor.api.error.kind",))
            return replace(self._named(record, NO_USAGE), error_type=error)
        return None

    @staticmethod
    def _usage(attributes: Attributes) -> Split:
        if first(attributes, ("cursor.api.billable",), flag) is False:
            return Split(Usage(), UsageState.REPORTED, NOT_BILLED)
        counts = Counts(
            input=first(attributes, ("cursor.api.request.input_tokens",), whole_number),
            output=first(attributes, ("cursor.api.request.output_tokens",), whole_number),
            cache_read=first(attributes, ("cursor.api.request.cache_read_tokens",), whole_number),
            cache_write=first(attributes, ("cursor.api.request.cache_creation_tokens",), whole_number),
        )
        usage = split(counts, CACHE_APART)
        return with_doubt(usage, APART_UNDOCUMENTED) if 0 < counts.cached <= (counts.input or 0) else usage

    def _named(self, record: LogRecord, usage: Split) -> Call:
        own_id = first(record.attributes, ("cursor.event.id",), text)
        model = bare_model(record.attributes, ("cursor.model.name",))
        return replace(self.call(record, usage, own_id), requested_model=model)
