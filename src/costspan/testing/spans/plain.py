"""Spans that are no model calls: what surrounds them in a real trace, and most of what a receiver is sent."""

from __future__ import annotations

from costspan.core.attribution import Attribution
from costspan.core.record import Scope, SpanRecord
from costspan.testing.spans.call import CLIENT, SERVER, resource_of


def http_server_span(
    *, trace_id: str, span_id: str, start_ns: int, end_ns: int, who: Attribution, route: str = "/api/ask"
) -> SpanRecord:
    """Return the root span of a request answered by a web framework."""
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=None,
        name=f"POST {route}",
        kind=SERVER,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={
            "http.request.method": "POST",
            "http.route": route,
            "http.response.status_code": 200,
            "url.scheme": "https",
            "server.address": f"{who.service}.acme.example",
        },
        resource=resource_of(who),
        scope=Scope("opentelemetry.instrumentation.fastapi", "0.66b1"),
    )


def database_span(
    *, trace_id: str, span_id: str, parent_span_id: str | None, start_ns: int, end_ns: int, who: Attribution
) -> SpanRecord:
    """Return the client span of one database query."""
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        name="SELECT documents",
        kind=CLIENT,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={
            "db.system.name": "postgresql",
            "db.namespace": "app",
            "db.operation.name": "SELECT",
            "db.query.text": "SELECT id, title, body FROM documents WHERE tenant_id = $1 LIMIT 20",
            "server.address": "db.internal",
            "server.port": 5432,
        },
        resource=resource_of(who),
        scope=Scope("opentelemetry.instrumentation.psycopg", "0.66b1"),
    )
