"""Signals costspan does not read: their items are counted and rejected by name, never dropped in silence."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_service
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_service

from costspan.server.pipeline.decoded import UnreadableBody

_REQUESTS: Final[dict[str, Any]] = {
    "logs": logs_service.ExportLogsServiceRequest,
    "metrics": metrics_service.ExportMetricsServiceRequest,
}


def rejection(signal: str, body: bytes, *, as_json: bool) -> Message:
    """Return the partial success that rejects all items of `signal` ("logs" or "metrics") in `body`.

    Raise UnreadableBody when the body is no request of that signal.
    """
    request = _REQUESTS[signal]()
    try:
        if as_json:
            if not body.lstrip().startswith(b"{"):
                raise UnreadableBody(f"not an OTLP {signal} request: a JSON object is expected")
            json_format.Parse(body, request, ignore_unknown_fields=True)
        else:
            request.ParseFromString(body)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableBody(f"not an OTLP {signal} request: {error}") from None
    reason = f"costspan does not read {signal}; only traces are kept"
    if signal == "logs":
        records = sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
        rejected_logs = logs_service.ExportLogsPartialSuccess(rejected_log_records=records, error_message=reason)
        return logs_service.ExportLogsServiceResponse(partial_success=rejected_logs)
    points = sum(
        len(getattr(metric, metric.WhichOneof("data")).data_points)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.WhichOneof("data")
    )
    rejected_points = metrics_service.ExportMetricsPartialSuccess(rejected_data_points=points, error_message=reason)
    return metrics_service.ExportMetricsServiceResponse(partial_success=rejected_points)
