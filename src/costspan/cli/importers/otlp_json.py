"""OTLP/JSON as collectors write it: an export request of any signal, one a line or one a file.

Source: opentelemetry-proto, "JSON Protobuf Encoding"; the collector's file exporter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from costspan.cli.importers.base import Found, Importer, Piece, Problem, Row, Signal, Skipped

PIECE_ITEMS: Final = 512
_SIGNALS: Final[Mapping[str, tuple[Signal, str, str]]] = {
    "resourceSpans": ("traces", "scopeSpans", "spans"),
    "resourceLogs": ("logs", "scopeLogs", "logRecords"),
    "resourceMetrics": ("metrics", "scopeMetrics", "metrics"),
}
HOLDERS: Final[Mapping[str, tuple[str, str, str]]] = {
    signal: (resources, scopes, items) for resources, (signal, scopes, items) in _SIGNALS.items()
}
"""Signal -> the names of the lists of resources, scopes and items in a request."""
_UNREAD: Final = {"resourceProfiles": "profiles"}


class OtlpJson(Importer):
    """Traces, logs and metrics."""

    name: ClassVar = "otlp-json"
    source: ClassVar = "opentelemetry-proto 1.9"

    def recognizes(self, value: Any) -> bool:
        """Return True for a request of any signal."""
        return isinstance(value, dict) and any(key in value for key in (*_SIGNALS, *_UNREAD))

    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield every request in pieces."""
        for row in rows:
            yield from _request(row)


def _request(row: Row) -> Iterator[Found]:
    request = row.value
    if not isinstance(request, dict) or not request:
        yield Problem(row.place, "no OTLP request")
        return
    key = next((key for key in _SIGNALS if key in request), None)
    if key is not None:
        yield from _pieces(row.place, request[key], *_SIGNALS[key])
        return
    unread = next((what for name, what in _UNREAD.items() if name in request), None)
    if unread:
        yield Skipped(unread)
        return
    yield Problem(row.place, f"no OTLP request: it has no signal that is known but {sorted(request)[:3]}")


def _pieces(place: str, resources: Any, signal: Signal, scopes: str, items: str) -> Iterator[Found]:
    try:
        for resource in resources:
            around = {key: value for key, value in resource.items() if key != scopes}
            for scope in resource.get(scopes, ()):
                inside = {key: value for key, value in scope.items() if key != items}
                held = scope[items]
                for start in range(0, len(held), PIECE_ITEMS):
                    yield Piece(place, signal, around, inside, held[start : start + PIECE_ITEMS])
    except (AttributeError, KeyError, TypeError) as error:
        yield Problem(place, f"no OTLP request of {signal}: {type(error).__name__} {error}")
