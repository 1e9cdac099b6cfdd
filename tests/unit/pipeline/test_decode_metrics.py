"""An OTLP metrics request, in both encodings, becomes the points of usage metrics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
    Summary,
    SummaryDataPoint,
)

from costspan.core.record import MetricKind, MetricPoint, Scope, Temporality
from costspan.server.pipeline.decode_metrics import DecodedMetrics, decode_metrics_json, decode_metrics_protobuf
from costspan.server.pipeline.decoded import UnreadableBody

START_NS, TIME_NS = 1_795_219_200_000_000_000, 1_795_219_260_000_000_000
NAME = "gen_ai.client.token.usage"
ATTRIBUTES = [KeyValue(key="gen_ai.token.type", value=AnyValue(string_value="input"))]
TIMES = {"start_time_unix_nano": START_NS, "time_unix_nano": TIME_NS}
NUMBER = NumberDataPoint(as_int=110, attributes=ATTRIBUTES, **TIMES)
DELTA, CUMULATIVE = 1, 2


def sum_of(*points: NumberDataPoint, name: str = NAME, temporality: int = DELTA) -> Metric:
    return Metric(
        name=name, unit="{token}", sum=Sum(data_points=points, aggregation_temporality=temporality, is_monotonic=True)
    )


def protobuf(*metrics: Metric) -> bytes:
    resource = ResourceMetrics(scope_metrics=[ScopeMetrics(metrics=metrics)])
    resource.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="shop")))
    resource.scope_metrics[0].scope.name = "openlit.otel.metrics"
    return ExportMetricsServiceRequest(resource_metrics=[resource]).SerializeToString()


def as_json(*metrics: object) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scope_metrics = {"scope": {"name": "openlit.otel.metrics"}, "metrics": metrics}
    return json.dumps({"resourceMetrics": [{"resource": resource, "scopeMetrics": [scope_metrics]}]}).encode()


def point_json(**value: object) -> dict[str, object]:
    attributes = [{"key": "gen_ai.token.type", "value": {"stringValue": "input"}}]
    return {
        "startTimeUnixNano": str(START_NS),
        "timeUnixNano": str(TIME_NS),
        "attributes": attributes,
        **value,
    }


def one(body: bytes, decode: Callable[[bytes], DecodedMetrics] = decode_metrics_protobuf) -> MetricPoint:
    (point,) = decode(body).points
    return point


EXPECTED = MetricPoint(
    metric=NAME,
    unit="{token}",
    kind=MetricKind.SUM,
    temporality=Temporality.DELTA,
    monotonic=True,
    start_ns=START_NS,
    time_ns=TIME_NS,
    value=110,
    count=None,
    attributes={"gen_ai.token.type": "input"},
    resource={"service.name": "shop"},
    scope=Scope("openlit.otel.metrics"),
)


def test_every_field_of_a_sum_arrives() -> None:
    assert one(protobuf(sum_of(NUMBER))) == EXPECTED


@pytest.mark.parametrize("temporality", [1, "AGGREGATION_TEMPORALITY_DELTA"])
@pytest.mark.parametrize("value", [{"asInt": "110"}, {"asInt": 110}, {"asDouble": 110.0}])
def test_json_says_the_same(temporality: int | str, value: dict[str, object]) -> None:
    data = {"dataPoints": [point_json(**value)], "aggregationTemporality": temporality, "isMonotonic": True}
    assert one(as_json({"name": NAME, "unit": "{token}", "sum": data}), decode_metrics_json) == EXPECTED


def test_histograms_carry_a_sum_and_a_count() -> None:
    shape = {"sum": 2600.0, "count": 2, "attributes": ATTRIBUTES, **TIMES}
    plain = Histogram(data_points=[HistogramDataPoint(**shape)], aggregation_temporality=CUMULATIVE)
    exponential = ExponentialHistogram(
        data_points=[ExponentialHistogramDataPoint(**shape)], aggregation_temporality=CUMULATIVE
    )
    in_json = {"dataPoints": [point_json(sum=2600, count="2")], "aggregationTemporality": 2}
    for point in (
        one(protobuf(Metric(name=NAME, histogram=plain))),
        one(protobuf(Metric(name=NAME, exponential_histogram=exponential))),
        one(as_json({"name": NAME, "histogram": in_json}), decode_metrics_json),
        one(as_json({"name": NAME, "exponentialHistogram": in_json}), decode_metrics_json),
    ):
        assert (point.kind, point.temporality, point.value, point.count, point.attributes) == (
            MetricKind.HISTOGRAM,
            Temporality.CUMULATIVE,
            2600.0,
            2,
            {"gen_ai.token.type": "input"},
        )


def test_points_of_other_metrics_are_counted_and_not_parsed() -> None:
    decoded = decode_metrics_protobuf(
        protobuf(
            sum_of(NUMBER),
            sum_of(NUMBER, NUMBER, name="http.client.requests"),
            Metric(name=NAME, summary=Summary(data_points=[SummaryDataPoint(time_unix_nano=TIME_NS)])),
            Metric(name=NAME),
        )
    )
    assert (len(decoded.points), decoded.other_points, decoded.received_points) == (1, 3, 4)
    foreign = {"name": "http.client.requests", "sum": {"dataPoints": [{"timeUnixNano": "no number"}]}}
    assert decode_metrics_json(as_json(foreign)).other_points == 1


def test_a_point_without_a_recorded_value_is_no_claim() -> None:
    decoded = decode_metrics_protobuf(protobuf(sum_of(NumberDataPoint(flags=1, **TIMES))))
    assert (decoded.points, decoded.other_points) == ([], 1)


def test_what_cannot_be_added_up_is_refused_with_its_reason() -> None:
    too_many = HistogramDataPoint(sum=1.0, count=2**31, attributes=ATTRIBUTES, **TIMES)
    decoded = decode_metrics_protobuf(
        protobuf(
            sum_of(NUMBER),
            Metric(name=NAME, gauge=Gauge(data_points=[NUMBER])),
            sum_of(NUMBER, temporality=0),
            sum_of(NumberDataPoint(as_int=1)),
            sum_of(NumberDataPoint(as_double=float("nan"), **TIMES)),
            Metric(name=NAME, histogram=Histogram(data_points=[too_many], aggregation_temporality=DELTA)),
        )
    )
    assert len(decoded.points) == 1
    assert decoded.refused == Counter(
        {
            "a gauge of usage cannot be added up": 1,
            "the aggregation temporality is not said": 1,
            "time is missing or out of range": 1,
            "a value is no number or out of range": 2,
        }
    )


def test_a_broken_point_or_metric_fails_alone() -> None:
    good, bad = point_json(asInt="110"), point_json(asInt="many")
    data = {"dataPoints": [good, bad, {"timeUnixNano": []}], "aggregationTemporality": 1}
    decoded = decode_metrics_json(as_json({"name": NAME, "sum": data}, {"name": 7}))
    assert len(decoded.points) == 1
    assert decoded.refused == Counter(
        {"data point is not of the OTLP/JSON shape": 2, "metric is not of the OTLP/JSON shape": 1}
    )


@pytest.mark.parametrize("decode", [decode_metrics_protobuf, decode_metrics_json])
def test_a_body_that_is_no_request_is_refused_whole(decode: Callable[[bytes], DecodedMetrics]) -> None:
    with pytest.raises(UnreadableBody):
        decode(b"\xff\xff{")


def test_an_empty_request_is_fine() -> None:
    assert decode_metrics_protobuf(b"").received_points == 0
    assert decode_metrics_json(b"{}").received_points == 0
