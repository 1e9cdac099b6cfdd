"""Spans that are no model calls: what surrounds them in a real trace, and most of what a receiver is sent."""

from __future__ import annotations

from costspan.core.attribution import Attribution
from costspan.core.record import Scope, SpanRecord
from costspan.testing.spans.call import CLIENT, INTERNAL, SERVER, plain_attribution, resource_of, said_only


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


def tool_span(
    *,
    trace_id: str,
    span_id: str,
    parent_span_id: str | None,
    start_ns: int,
    end_ns: int,
    who: Attribution,
    tool: str,
    error_type: str | None = None,
) -> SpanRecord:
    """Return what the GenAI conventions ask of an agent that runs a tool: `execute_tool`."""
    said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.tool.type": "function"}
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        name=f"execute_tool {tool}",
        kind=INTERNAL,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes=said_only({**said, "error.type": error_type}) | plain_attribution(who),
        resource=resource_of(who),
        scope=Scope("pydantic-ai", "2.68.0"),
        status_code=2 if error_type else 0,
    )
