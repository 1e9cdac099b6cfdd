"""`Config`: what the SDK wing was told, by arguments and by the environment. Read once, by `configure`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from costspan.core.attribution import Attribution
from costspan.sdk.attribute_names import OF_DIMENSION
from costspan.sdk.safety import log_once
from costspan.sdk.travel import DEFAULT as DEFAULT_TRAVEL

DEFAULT_URL: Final = "http://127.0.0.1:4318"
"""Where `costspan serve` listens. Not `localhost`, which may mean ::1 first."""

_HTTP: Final = "http/protobuf"
NOBODY: Final = Attribution()
DEFAULT_LABELS: Final = ("feature", "team", "environment")
"""The dimensions that become labels of metrics: few values each, and nothing personal."""

_FALSE: Final = frozenset({"0", "false", "no", "off"})
_TRUE: Final = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of the SDK wing. `endpoint` is None where OpenTelemetry's own variables name one."""

    service_name: str | None = None
    endpoint: str | None = DEFAULT_URL
    headers: Mapping[str, str] = field(default_factory=dict)
    exporters: tuple[str, ...] = ("otlp",)
    metrics_exporters: tuple[str, ...] = ("otlp",)
    protocol: str = _HTTP
    defaults: Attribution = NOBODY
    hash_users: bool = True
    hash_key: str | None = None
    key_folder: Path = Path()
    capture_content: bool = False
    redact: str | None = None
    metric_labels: tuple[str, ...] = DEFAULT_LABELS
    travels: tuple[str, ...] = DEFAULT_TRAVEL
    carry_into_pools: bool = True
    include_usage: bool = True
    """Ask for the usage of a stream where the caller does not say whether to."""
    error_outcomes: frozenset[str] = frozenset()
    """Outcomes of calls that make the span's status ERROR: truncated, content_filter, aborted."""
    record_to: Path | None = None
    tally_to: Path | None = None
    disabled: bool = False


def read_config(
    environment_variables: Mapping[str, str],
    *,
    service_name: str | None = None,
    endpoint: str | None = None,
    defaults: Attribution = NOBODY,
) -> Config:
    """Return the settings; an argument wins over a variable, an `OTEL_*` variable over our own."""
    said = {name: value.strip() for name, value in environment_variables.items() if value.strip()}
    otel_endpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" in said or "OTEL_EXPORTER_OTLP_ENDPOINT" in said
    exporters = _names(said.get("OTEL_TRACES_EXPORTER", "otlp"))
    return Config(
        service_name=service_name,
        endpoint=endpoint or (None if otel_endpoint else said.get("COSTSPAN_URL", DEFAULT_URL)),
        headers=_authorization(said),
        exporters=exporters,
        metrics_exporters=_names(said.get("OTEL_METRICS_EXPORTER") or _usual_metrics(said, exporters)),
        protocol=_protocol(said) if endpoint or otel_endpoint else _HTTP,
        defaults=defaults.or_else(
            Attribution(
                feature=said.get("COSTSPAN_FEATURE"),
                team=said.get("COSTSPAN_TEAM"),
                environment=said.get("COSTSPAN_ENVIRONMENT"),
            )
        ),
        hash_users=said.get("COSTSPAN_HASH_USERS", "1").lower() not in _FALSE,
        hash_key=said.get("COSTSPAN_HASH_KEY"),
        key_folder=_configuration_folder(said),
        capture_content=said.get("COSTSPAN_CAPTURE_CONTENT", "").lower() in _TRUE,
        redact=said.get("COSTSPAN_REDACT"),
        metric_labels=_dimensions("COSTSPAN_METRIC_LABELS", said, DEFAULT_LABELS),
        travels=_dimensions("COSTSPAN_BAGGAGE", said, DEFAULT_TRAVEL),
        carry_into_pools=said.get("COSTSPAN_CARRY_INTO_POOLS", "1").lower() not in _FALSE,
        include_usage=said.get("COSTSPAN_INCLUDE_USAGE", "1").lower() not in _FALSE,
        error_outcomes=frozenset(said.get("COSTSPAN_ERROR_OUTCOMES", "").replace(" ", "").lower().split(",")) - {""},
        record_to=_path(said.get("COSTSPAN_RECORD_TO")),
        tally_to=_path(said.get("COSTSPAN_TALLY_TO")),
        disabled=said.get("OTEL_SDK_DISABLED", "").lower() == "true",
    )


def _protocol(said: Mapping[str, str]) -> str:
    """Return what OpenTelemetry's variables say; its distribution says gRPC for everybody, which our URL is not."""
    return said.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or said.get("OTEL_EXPORTER_OTLP_PROTOCOL", _HTTP)


def _names(listed: str) -> tuple[str, ...]:
    return tuple("otlp" if name == "costspan" else name for name in listed.replace(" ", "").split(","))


def _usual_metrics(said: Mapping[str, str], exporters: tuple[str, ...]) -> str:
    """Return where metrics go unless it is said: with the spans, where OpenTelemetry's variables name a backend.

    Not to a ledger: it has the same tokens from the spans, and counting chunks makes a stream twice as dear to watch
    (docs/performance.md).
    """
    backend = "OTEL_EXPORTER_OTLP_ENDPOINT" in said or "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" in said
    return "otlp" if backend and "otlp" in exporters and "COSTSPAN_RECORD_TO" not in said else "none"


def _authorization(said: Mapping[str, str]) -> dict[str, str]:
    if "OTEL_EXPORTER_OTLP_TRACES_HEADERS" in said or "OTEL_EXPORTER_OTLP_HEADERS" in said:
        return {}
    return server_headers(said)


def server_address(said: Mapping[str, str], given: str | None = None) -> str:
    """Return where the costspan server is, for what is asked of it beside telemetry."""
    return (given or said.get("COSTSPAN_URL", "").strip() or DEFAULT_URL).rstrip("/")


def server_headers(said: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that present the key of COSTSPAN_API_KEY or COSTSPAN_API_KEY_FILE; none without a key."""
    key = said.get("COSTSPAN_API_KEY")
    if file := said.get("COSTSPAN_API_KEY_FILE"):
        try:
            key = Path(file).read_text().strip()
        except OSError as error:
            log_once(f"costspan: COSTSPAN_API_KEY_FILE cannot be read ({error.strerror}); sending without a key")
    return {"authorization": f"Bearer {key}"} if key else {}


def _configuration_folder(said: Mapping[str, str]) -> Path:
    base = said.get("XDG_CONFIG_HOME") or (f"{said['HOME']}/.config" if "HOME" in said else said.get("APPDATA", "."))
    return Path(base) / "costspan"


def _dimensions(name: str, said: Mapping[str, str], default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the dimensions a variable lists; `none` is none of them, and an unknown one is left out and said."""
    if name not in said:
        return default
    listed = [word for word in said[name].replace(" ", "").split(",") if word not in ("", "none")]
    for unknown in (word for word in listed if word not in OF_DIMENSION):
        log_once(f"costspan: {name} names {unknown!r}; known are {', '.join(OF_DIMENSION)}")
    return tuple(word for word in listed if word in OF_DIMENSION)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
