"""An OTLP metrics request becomes the points of the metrics that count usage; other metrics are skipped unparsed.

Both encodings, in the manner of the trace decoders: one broken point fails alone, with a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from costspan.core.errors import MalformedRecord
from costspan.core.record import Attributes, MetricKind, MetricPoint, Scope, Temporality
from costspan.semconv.metrics import METRIC_NAMES
from costspan.server.pipeline import views
from costspan.server.pipeline.any_value import (
    DAMAGED_RESOURCE,
    JsonKeyValue,
    JsonResource,
    JsonScope,
    json_attributes,
    protobuf_attributes,
    protobuf_resource,
    scope_of,
    whole_ns,
)
from costspan.server.pipeline.decoded import MAX_NS, UnreadableBody

_NO_VALUE: Final = 1
"""`DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`: the series ended, the point has no value."""

_MAX_VALUE: Final = 2**53
"""Beyond it a double no longer counts by one, and no emitter has counted so far."""
_MAX_COUNT: Final = 2**31 - 1
"""Requests one point can stand for: what the ledger's column holds."""

_TEMPORALITY: Final = {
    1: Temporality.DELTA,
    2: Temporality.CUMULATIVE,
    "AGGREGATION_TEMPORALITY_DELTA": Temporality.DELTA,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": Temporality.CUMULATIVE,
}


@dataclass(slots=True)
class DecodedMetrics:
    """Points of metrics that count usage; `other_points` are of others; `refused` counts points by reason."""

    points: list[MetricPoint] = field(default_factory=list)
    other_points: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def received_points(self) -> int:
        """Every data point of the request."""
        return len(self.points) + self.other_points + self.refused.total()


@dataclass(frozen=True, slots=True)
class _Metric:
    """What all points of one metric share, and how to read one."""

    name: str
    unit: str
    kind: MetricKind
    temporality: Temporality
    monotonic: bool
    raw_points: Sequence[bytes]
    parse: Callable[[bytes], _Value]


@dataclass(frozen=True, slots=True)
class _Value:
    """One point as either encoding has it."""

    start_ns: int
    time_ns: int
    value: int | float
    count: int | None
    flags: int
    attributes: Attributes


def decode_metrics_protobuf(body: bytes) -> DecodedMetrics:
    """Return the points of an ExportMetricsServiceRequest. Raise UnreadableBody when the request itself is damaged."""
    try:
        return _decoded(views.MetricsRequest.FromString(body))
    except DecodeError as error:
        raise UnreadableBody(f"not an OTLP/protobuf metrics request: {error}") from None


def _decoded(request: Any) -> DecodedMetrics:
    decoded = DecodedMetrics()
    for resource_metrics in request.resource_metrics:
        try:
            resource: Attributes | None = protobuf_resource(resource_metrics.resource)
        except MalformedRecord:
            resource = None
        for scope_metrics in resource_metrics.scope_metrics:
            scope = Scope(scope_metrics.scope.name, scope_metrics.scope.version)
            for raw in scope_metrics.metrics:
                try:
                    metric = _metric_from_protobuf(raw)
                except DecodeError:
                    decoded.refused["metric is cut off or holds text that is not UTF-8"] += 1
                    continue
                _take(decoded, metric, resource, scope)
    return decoded


_PROTOBUF_KINDS: Final[tuple[tuple[str, MetricKind | None, Any], ...]] = (
    ("sum", MetricKind.SUM, views.NumberPoint),
    ("histogram", MetricKind.HISTOGRAM, views.HistogramPoint),
    ("exponential_histogram", MetricKind.HISTOGRAM, views.ExponentialPoint),
    ("gauge", MetricKind.GAUGE, views.NumberPoint),
    ("summary", None, None),
)


def _metric_from_protobuf(raw: bytes) -> _Metric:
    metric = views.Metric.FromString(raw)
    for name, kind, view in _PROTOBUF_KINDS:
        if metric.HasField(name):
            data = getattr(metric, name)
            temporality = _TEMPORALITY.get(data.aggregation_temporality, Temporality.UNSPECIFIED)
            known = metric.name if kind is not None else ""
            return _Metric(
                known,
                metric.unit,
                kind or MetricKind.GAUGE,
                temporality,
                data.is_monotonic,
                data.data_points,
                partial(_value_from_protobuf, view=view),
            )
    return _NOTHING


def _value_from_protobuf(raw: bytes, view: Any) -> _Value:
    try:
        point = view.FromString(raw)
        attributes = protobuf_attributes(point.attributes)
    except DecodeError:
        raise MalformedRecord("data point is cut off or holds text that is not UTF-8") from None
    number = view is views.NumberPoint
    return _Value(
        point.start_time_unix_nano,
        point.time_unix_nano,
        (point.as_int or point.as_double) if number else point.sum,
        None if number else point.count,
        point.flags,
        attributes,
    )


class _JsonPoint(msgspec.Struct, rename="camel"):
    start_time_unix_nano: int | str = 0
    time_unix_nano: int | str = 0
    as_double: float | str | None = None
    as_int: int | str | None = None
    count: int | str | None = None
    sum: float | str | None = None
    flags: int = 0
    attributes: Sequence[JsonKeyValue] | None = None


class _JsonPoints(msgspec.Struct, rename="camel"):
    data_points: Sequence[msgspec.Raw] | None = None
    aggregation_temporality: int | str = 0
    is_monotonic: bool = False


class _JsonMetric(msgspec.Struct, rename="camel"):
    name: str = ""
    unit: str = ""
    sum: _JsonPoints | None = None
    histogram: _JsonPoints | None = None
    exponential_histogram: _JsonPoints | None = None
    gauge: _JsonPoints | None = None
    summary: _JsonPoints | None = None


class _ScopeMetrics(msgspec.Struct):
    scope: JsonScope | None = None
    metrics: Sequence[msgspec.Raw] | None = None


class _ResourceMetrics(msgspec.Struct, rename="camel"):
    resource: JsonResource | None = None
    scope_metrics: Sequence[_ScopeMetrics] | None = None


class _MetricsRequest(msgspec.Struct, rename="camel"):
    resource_metrics: Sequence[_ResourceMetrics] | None = None


_REQUEST: Final = msgspec.json.Decoder(_MetricsRequest)
_METRIC: Final = msgspec.json.Decoder(_JsonMetric)
_POINT: Final = msgspec.json.Decoder(_JsonPoint)
_UNPARSED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_metrics_json(body: bytes) -> DecodedMetrics:
    """Return the points of an OTLP/JSON metrics request. Raise UnreadableBody when the request itself is damaged."""
    try:
        request = _REQUEST.decode(body)
    except _UNPARSED as error:
        raise UnreadableBody(f"not an OTLP/JSON metrics request: {error}") from None
    decoded = DecodedMetrics()
    for resource_metrics in request.resource_metrics or ():
        resource = json_attributes(resource_metrics.resource.attributes) if resource_metrics.resource else {}
        for scope_metrics in resource_metrics.scope_metrics or ():
            scope = scope_of(scope_metrics.scope)
            for raw in scope_metrics.metrics or ():
                try:
                    metric = _metric_from_json(_METRIC.decode(raw))
                except _UNPARSED:
                    decoded.refused["metric is not of the OTLP/JSON shape"] += 1
                    continue
                _take(decoded, metric, resource, scope)
    return decoded


def _metric_from_json(metric: _JsonMetric) -> _Metric:
    for data, kind in (
        (metric.sum, MetricKind.SUM),
        (metric.histogram, MetricKind.HISTOGRAM),
        (metric.exponential_histogram, MetricKind.HISTOGRAM),
        (metric.gauge, MetricKind.GAUGE),
        (metric.summary, None),
    ):
        if data is not None:
            return _Metric(
                metric.name if kind is not None else "",
                metric.unit,
                kind or MetricKind.GAUGE,
                _TEMPORALITY.get(data.aggregation_temporality, Temporality.UNSPECIFIED),
                data.is_monotonic,
                tuple(map(bytes, data.data_points or ())),
                _value_from_json,
            )
    return _NOTHING


def _value_from_json(raw: bytes) -> _Value:
    try:
        point = _POINT.decode(raw)
        value = point.as_int if point.as_int is not None else point.as_double
        return _Value(
            whole_ns(point.start_time_unix_nano),
            whole_ns(point.time_unix_nano),
            int(value) if value is not None and value is point.as_int else float(value or point.sum or 0),
            None if point.count is None else int(point.count),
            point.flags,
            json_attributes(point.attributes),
        )
    except (*_UNPARSED, ValueError):
        raise MalformedRecord("data point is not of the OTLP/JSON shape") from None


METRIC_DECODERS: Final[dict[str, Callable[[bytes], DecodedMetrics]]] = {
    "application/x-protobuf": decode_metrics_protobuf,
    "application/json": decode_metrics_json,
}
"""Content type -> decoder."""


def _no_point(raw: bytes) -> _Value:
    raise MalformedRecord(f"a metric without data has a point of {len(raw)} bytes")


_NOTHING: Final = _Metric("", "", MetricKind.GAUGE, Temporality.UNSPECIFIED, False, (), _no_point)
"""A metric without data, which the specification allows."""


def _take(decoded: DecodedMetrics, metric: _Metric, resource: Attributes | None, scope: Scope) -> None:
    if metric.name not in METRIC_NAMES:
        decoded.other_points += len(metric.raw_points)
        return
    for raw in metric.raw_points:
        try:
            value = metric.parse(raw)
            if value.flags & _NO_VALUE:
                decoded.other_points += 1
            else:
                decoded.points.append(_point(metric, value, resource, scope))
        except MalformedRecord as malformed:
            decoded.refused[str(malformed)] += 1


def _point(metric: _Metric, value: _Value, resource: Attributes | None, scope: Scope) -> MetricPoint:
    if resource is None:
        raise MalformedRecord(DAMAGED_RESOURCE)
    if metric.kind is MetricKind.GAUGE:
        raise MalformedRecord("a gauge of usage cannot be added up")
    if metric.temporality is Temporality.UNSPECIFIED:
        raise MalformedRecord("the aggregation temporality is not said")
    if not abs(value.value) <= _MAX_VALUE or not 0 <= (value.count or 0) <= _MAX_COUNT:
        raise MalformedRecord("a value is no number or out of range")
    if not 0 < value.time_ns <= MAX_NS or not 0 <= value.start_ns <= MAX_NS:
        raise MalformedRecord("time is missing or out of range")
    return MetricPoint(
        metric=metric.name,
        kind=metric.kind,
        temporality=metric.temporality,
        start_ns=value.start_ns,
        time_ns=value.time_ns,
        value=value.value,
        count=value.count,
        unit=metric.unit,
        monotonic=metric.monotonic,
        attributes=value.attributes,
        resource=resource,
        scope=scope,
    )
