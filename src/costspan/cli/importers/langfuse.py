"""Langfuse's exports of observations: from the table (JSON, CSV), the API's pages, and to a bucket (JSON, JSONL, CSV).

Names are in camel case, in snake case or in the words of a table's header; cells of a CSV hold JSON. `usageDetails` has
Langfuse's classes, each beside the others. Ids are those of OpenTelemetry where Langfuse's own SDK made them, so a span
that was received as well is the same record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from costspan.cli.importers.base import Found, Importer, Problem, Row, Skipped
from costspan.cli.importers.imported_span import Value, ids, imported_call, moment_ns, said, tags
from costspan.semconv.attributes import at, json_object, texts, whole_number

SCOPE: Final = "langfuse-export"
_REQUESTS: Final = ("generation", "embedding")
_HEX: Final = re.compile(r"[0-9a-f]+")
_OLD_USAGE: Final = {
    "input": ("usage.input", "prompttokens", "inputtokens", "inputusage"),
    "output": ("usage.output", "completiontokens", "outputtokens", "outputusage"),
    "total": ("usage.total", "totaltokens", "totalusage"),
}
"""What an export has where it has no `usageDetails`."""
_OLD_COST: Final = ("calculatedtotalcost", "totalcost", "usage.totalCost")


class Langfuse(Importer):
    """Generations and embeddings, and any observation that was given counts."""

    name: ClassVar = "langfuse"
    source: ClassVar = "langfuse.com/docs: export from UI, blob storage export fields, Observations API; 2026-11"

    def recognizes(self, value: Any) -> bool:
        """Return True for an observation or a page of them."""
        head = next(iter(_observations(value)), None)
        if not isinstance(head, dict):
            return False
        names = {_plain(name) for name in head}
        marks = {
            "parentobservationid",
            "usagedetails",
            "completionstarttime",
            "providedmodelname",
            "calculatedtotalcost",
        }
        return {"traceid", "type"} <= names and bool(names & marks)

    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield a call for each observation with usage."""
        for row in rows:
            for observation in _observations(row.value):
                if isinstance(observation, dict):
                    yield _call(row.place, {_plain(name): value for name, value in observation.items()})
                else:
                    yield Problem(row.place, "no observation")


def _observations(value: Any) -> list[Any]:
    page = value.get("data", value.get("observations")) if isinstance(value, dict) else None
    return page if isinstance(page, list) else [value]


def _plain(name: str) -> str:
    return name.replace("_", "").replace(" ", "").lower()


def _call(place: str, found: Mapping[str, Any]) -> Found:
    kind = str(found.get("type", "")).lower()
    usage = _usage(found)
    if kind not in _REQUESTS and not usage:
        return Skipped("observations without usage")
    begun, name = moment_ns(found.get("starttime")), said(found.get("id"))
    if begun is None or name is None:
        return Problem(place, "an observation without a start" if name else "an observation without an id")
    cost = _details(found.get("costdetails")) or {"total": _first(found, _OLD_COST)}
    failed = str(found.get("level", "")).upper() == "ERROR"
    attributes: dict[str, Value] = {
        "langfuse.observation.type": kind,
        "langfuse.observation.model.name": _word(found, "providedmodelname", "model"),
        "langfuse.observation.usage_details": json.dumps(usage) if usage else None,
        "langfuse.observation.cost_details": json.dumps(cost) if any(cost.values()) else None,
        "langfuse.observation.prompt.name": _word(found, "promptname"),
        "langfuse.environment": _word(found, "environment"),
        "session.id": _word(found, "sessionid"),
        "user.id": _word(found, "userid"),
        "langfuse.trace.tags": [tag for tag in texts(found.get("tags") or found.get("tracetags")) if said(tag)] or None,
        "error.type": "error" if failed else None,
        **tags(json_object(found.get("metadata"))),
    }
    times = (begun, moment_ns(found.get("endtime")) or begun)
    parent = said(found.get("parentobservationid"))
    return imported_call(
        place,
        ("", SCOPE),
        _ids(found, name),
        times,
        attributes,
        parent_span_id=parent if _is_hex(parent, 16) else None,
        failed=failed,
    )


def _ids(found: Mapping[str, Any], name: str) -> tuple[str, str]:
    trace = said(found.get("traceid"))
    made = ids("langfuse", trace), ids("langfuse", trace, name)
    return (trace if trace and _is_hex(trace, 32) else made[0][0], name if _is_hex(name, 16) else made[1][1])


def _is_hex(text: str | None, length: int) -> bool:
    return text is not None and len(text) == length and _HEX.fullmatch(text) is not None and bool(text.strip("0"))


def _usage(found: Mapping[str, Any]) -> dict[str, Any]:
    usage = _details(found.get("usagedetails"))
    if not usage:
        old = {name: whole_number(_first(found, paths)) for name, paths in _OLD_USAGE.items()}
        usage = {name: count for name, count in old.items() if count is not None}
    return usage if any(usage.values()) else {}


def _details(value: Any) -> dict[str, Any]:
    """Return the numbers of a map of classes."""
    return {name: number for name, number in json_object(value).items() if isinstance(number, int | float | str)}


def _first(found: Mapping[str, Any], paths: tuple[str, ...]) -> Any:
    laid = {**found, "usage": json_object(found.get("usage"))}
    return next((value for path in paths if (value := at(laid, path)) not in (None, "")), None)


def _word(found: Mapping[str, Any], *names: str) -> str | None:
    return next((word for name in names if (word := said(found.get(name)))), None)
