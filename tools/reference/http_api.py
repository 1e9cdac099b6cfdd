"""The HTTP interface, from the OpenAPI description that a server gives of itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tools.reference.tables import table

from costspan.server.assembly import make_server
from costspan.server.config import ServerConfig

_HEAD: Final = """# HTTP

`GET /openapi.json` describes the same to programs. Where keys are set, each request presents one as a bearer token
([security](../security.md)). Money is decimal text in US dollars. An error is `application/problem+json` (RFC 9457).

Telemetry comes in by OTLP/HTTP at `POST /v1/traces`, `/v1/logs` and `/v1/metrics`, protobuf or JSON, gzip, deflate or
zstd, and by OTLP/gRPC on port 4317. `GET /metrics` is [for Prometheus](../metrics.md).

"""


def openapi() -> dict[str, Any]:
    """Return the description of a server on an empty ledger."""
    with tempfile.TemporaryDirectory() as folder:
        application = make_server(ServerConfig(data=Path(folder) / "ledger"))
        try:
            return application.http.openapi()
        finally:
            application.close()


def http_page() -> str:
    """Return the page."""
    paths: Mapping[str, Mapping[str, Any]] = openapi()["paths"]
    return _HEAD + "".join(
        "".join(_operation(verb, path, said)) for path, verbs in paths.items() for verb, said in verbs.items()
    )


def _operation(verb: str, path: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {verb.upper()} {path}\n\n{said.get('description', '')}\n\n"
    if parameters := said.get("parameters"):
        yield table(("parameter", "is"), ((f"`{each['name']}`", _parameter(each)) for each in parameters)) + "\n"
    yield f"Answers {', '.join(sorted(said['responses']))}.\n\n"


def _parameter(said: Mapping[str, Any]) -> str:
    words = said.get("description") or said["schema"].get("title", "")
    return f"{words}{' (needed)' if said.get('required') else ''}"
