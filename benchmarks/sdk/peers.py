"""Who takes part, what is installed for each, and where: a virtual environment of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
ENVIRONMENTS: Final = REPOSITORY / ".venv" / "bench-sdk"


@dataclass(frozen=True, slots=True)
class Peer:
    """`name` is its column; `set_up` the function of `inside/setups.py`; `package` the one whose version is told."""

    name: str
    set_up: str
    environment: str
    package: str
    requirements: tuple[str, ...] = ()


_OTEL_PACKAGE: Final = "opentelemetry-instrumentation-genai-openai"
_OTEL: Final = (_OTEL_PACKAGE, "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
_OWN: Final = (f"costspan[openai] @ file://{REPOSITORY}",)

BARE: Final = "bare"
OPENTELEMETRY: Final = Peer("OpenTelemetry", "opentelemetry", "opentelemetry", _OTEL_PACKAGE, _OTEL)
COSTSPAN: Final = Peer("costspan", "costspan", "costspan", "costspan", _OWN)
OPENTELEMETRY_METRICS: Final = Peer(
    "OpenTelemetry, metrics", "opentelemetry_metrics", "opentelemetry", _OTEL_PACKAGE, _OTEL
)
COSTSPAN_METRICS: Final = Peer("costspan, metrics", "costspan_metrics", "costspan", "costspan", _OWN)
PEERS: Final = (
    OPENTELEMETRY,
    COSTSPAN,
    OPENTELEMETRY_METRICS,
    COSTSPAN_METRICS,
    Peer("OpenLIT", "openlit", "openlit", "openlit", ("openlit",)),
    # httpx: imported by 0.62.4 and not declared.
    Peer("Traceloop", "traceloop", "traceloop", "traceloop-sdk", ("traceloop-sdk", "httpx")),
    Peer("Langfuse", "langfuse", "langfuse", "langfuse", ("langfuse",)),
    Peer("Logfire", "logfire", "logfire", "logfire", ("logfire", "genai-prices")),
    Peer(
        "OpenInference",
        "openinference",
        "openinference",
        "openinference-instrumentation-openai",
        ("openinference-instrumentation-openai", "arize-phoenix-otel"),
    ),
)
