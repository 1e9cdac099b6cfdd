"""A user's own words in a log: `mappings` of `costspan.yaml`, or a file of the same form given with `--map`.

    time: meta.at
    duration_ms: meta.took
    id: meta.request
    provider: openai
    convention: inclusive
    fields:
      input: llm.tokens.prompt
      output: llm.tokens.answer
      model: llm.name
      feature: meta.feature
      tag.tenant: meta.tenant

`fields` are those of a mapping for telemetry (`costspan.semconv.mapping`); a name leads into objects at its dots.
`time`, `duration_ms` and `id` stand beside them, since a span has its own. A line is a call where one of the counts is
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from costspan.cli.importers.answers import first
from costspan.cli.importers.base import Found, Problem, Row
from costspan.cli.importers.imported_span import Value, ids, imported_call, milliseconds_ns, moment_ns, said
from costspan.core.errors import ConfigError
from costspan.core.money import PICO_PER_USD
from costspan.core.record import SpanRecord
from costspan.semconv.conventions import Counts
from costspan.semconv.dialects.imported import CONVENTION, USAGE_KEYS
from costspan.semconv.identity import content_key
from costspan.semconv.mapping import Mapped, mapped_dialect

SCOPE: Final = "costspan.import.mapped"
_OWN: Final = {
    "time": ("timestamp", "time", "ts", "@timestamp", "created_at", "start_time"),
    "duration_ms": ("duration_ms", "latency_ms"),
    "id": (),
}
"""Setting of a log's mapping -> where is looked when it is not given."""
_WORDS: Final = {
    "requested_model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "response_id": "gen_ai.response.id",
    "served_mode": "gen_ai.response.service_tier",
    "finish_reason": "gen_ai.response.finish_reasons",
    "error_type": "error.type",
}


class FieldMap:
    """One mapping, made ready to read lines."""

    def __init__(self, settings: object, place: str) -> None:
        """Take an entry of `mappings`; `place` begins the text of every error. Raise ConfigError."""
        if not isinstance(settings, Mapping):
            raise ConfigError(f"{place}: a mapping is a set of `name: value` lines")
        self._own = {name: _names(settings.get(name), f"{place}.{name}") or usual for name, usual in _OWN.items()}
        # A scope is a part of telemetry; a log has none.
        spans = {name: value for name, value in settings.items() if name not in (*_OWN, "scope")}
        self._dialect: Mapped = mapped_dialect(spans, place)
        self._convention = said(spans.get("convention"))
        self._names = tuple(name for value in spans["fields"].values() for name in _names(value, place))

    def reads(self, record: Mapping[str, Any]) -> bool:
        """Return True for a line that has one of the mapping's counts."""
        return self._dialect.recognizes(self._found(record))

    def call(self, row: Row) -> Found:
        """Return the call in a line that is read by this mapping."""
        moment = moment_ns(first(row.value, self._own["time"]))
        if moment is None:
            return Problem(row.place, f"a call without a time at {' or '.join(self._own['time'])}")
        record, dialect = self._found(row.value), self._dialect
        took = milliseconds_ns(first(row.value, self._own["duration_ms"])) or 0
        words = {key: dialect.say(record, fact) for fact, key in _WORDS.items()}
        identity = said(first(row.value, self._own["id"])) or words["gen_ai.response.id"]
        attribution = dialect.attribution_attributes(record)
        counts = dialect.counts(record)
        cost = dialect.reported_cost(record)
        attributes: dict[str, Value] = {
            **{key: word for key, value in attribution.items() if key not in self._names and (word := said(value))},
            **words,
            "gen_ai.operation.name": dialect.operation(record),
            "gen_ai.provider.name": dialect.provider(record),
            "gen_ai.usage.cost_usd": cost / PICO_PER_USD if cost else None,
            **{USAGE_KEYS[fact]: getattr(counts, fact) for fact in Counts._fields},
            CONVENTION: self._convention,
        }
        return imported_call(
            row.place,
            (said(attribution.get("service.name")) or "", SCOPE),
            ids("mapped", dialect.name, identity or content_key("line", row.value)),
            (moment - took, moment),
            attributes,
            failed=words["error.type"] is not None,
        )

    def _found(self, line: Mapping[str, Any]) -> SpanRecord:
        found = {name: first(line, (name,)) for name in self._names}
        plain = {name: value for name, value in found.items() if isinstance(value, str | int | float | bool)}
        return SpanRecord(
            trace_id="", span_id="", parent_span_id=None, name="", kind=0, start_ns=0, end_ns=0, attributes=plain
        )


def read_field_maps(file: Path) -> list[FieldMap]:
    """Return the mappings of a `costspan.yaml`, or of a file that is one mapping. Raise ConfigError."""
    try:
        held = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: {' '.join(str(error).split())}") from None
    if isinstance(held, Mapping) and "fields" in held:
        return [FieldMap(held, str(file))]
    entries = held.get("mappings") if isinstance(held, Mapping) else None
    return [FieldMap(entry, f"{file}: mappings[{at}]") for at, entry in enumerate(entries or ())]


def _names(value: object, place: str) -> tuple[str, ...]:
    if value is None:
        return ()
    names = tuple(value) if isinstance(value, list) else (value,)
    if not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"{place}: a name or a list of names is needed")
    return names
