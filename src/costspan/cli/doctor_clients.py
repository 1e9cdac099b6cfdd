"""Which LLM clients are installed, what instruments them, and what does so twice. Used by `costspan doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import Distribution, distributions, entry_points
from typing import Final

from costspan.sdk.clients import CLIENTS as CLIENTS_OF_SDK
from costspan.sdk.clients.anthropic import makes_spans


class Severity(StrEnum):
    """How much a finding matters. Only a problem makes `doctor` exit with 1."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, and what to do about it (empty when nothing)."""

    severity: Severity
    subject: str
    found: str
    to_do: str = ""


INSTRUMENTOR_GROUP: Final = "opentelemetry_instrumentor"
CLIENTS: Final = {
    "openai": ("openai", "opentelemetry-instrumentation-genai-openai"),
    "anthropic": ("anthropic", "opentelemetry-instrumentation-genai-anthropic"),
    "google-genai": ("google-genai", "opentelemetry-instrumentation-google-genai"),
    "boto3": ("bedrock", "opentelemetry-instrumentation-genai-bedrock"),
    "langchain": ("langchain", "opentelemetry-instrumentation-genai-langchain"),
    "openai-agents": ("openai-agents", "opentelemetry-instrumentation-genai-openai-agents"),
    "llama-index": ("llama-index", "opentelemetry-instrumentation-genai-llama-index"),
    "dspy": ("dspy", "opentelemetry-instrumentation-genai-dspy"),
    "agno": ("agno", "opentelemetry-instrumentation-genai-agno"),
}
"""Client package -> word that its instrumentations carry in their name, and the instrumentation to install."""

SELF_TELLING: Final = {
    "litellm": 'set litellm.callbacks = ["otel"]',
    "pydantic-ai-slim": "call Agent.instrument_all()",
    "strands-agents": "call StrandsTelemetry().setup_otlp_exporter()",
    "google-adk": "nothing: it sends spans as soon as a tracer provider is set",
    "semantic-kernel": "set SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS=true",
}
"""Frameworks that make their own spans, and how to switch them on."""

_ALL_OF_AWS: Final = "opentelemetry-instrumentation-botocore"


def client_findings() -> list[Finding]:
    """Return what is installed in this environment, and what would count twice."""
    installed = {_canonical(found): found.version for found in distributions() if found.metadata["Name"]}
    instrumentors = _instrumentors()
    findings = [
        _client(name, installed[name], _matching(word, installed), wanted)
        for name, (word, wanted) in CLIENTS.items()
        if name in installed
    ]
    findings += [
        Finding(
            Severity.OK, name, f"{installed[name]} is installed and makes its own spans", f"To switch them on: {how}."
        )
        for name, how in SELF_TELLING.items()
        if name in installed
    ]
    findings += [_doubled(name, packages) for name, packages in sorted(instrumentors.items()) if len(packages) > 1]
    findings += _anthropic_twice(installed, instrumentors.get("anthropic", ()))
    findings += _bedrock_twice(installed)
    return findings or [_none(installed)]


def _none(installed: dict[str, str]) -> Finding:
    ready = [name for name, (_, wanted) in CLIENTS.items() if wanted in installed]
    found = f"none is installed here; {', '.join(ready)} would be instrumented" if ready else "none is installed here"
    to_do = f"Run doctor where the app runs, or: pip install {ready[0]}" if ready else "Run doctor where the app runs."
    return Finding(Severity.NOTE, "LLM clients", found, to_do)


def _client(name: str, version: str, instrumentations: list[str], wanted: str) -> Finding:
    known = next((client for client in CLIENTS_OF_SDK if client.package == wanted), None)
    if known and instrumentations and known.refused_version():
        found = f"{version} is not taken by {wanted}"
        if known.own:
            return Finding(Severity.OK, name, found, "costspan.configure() and costspan run instrument it themselves.")
        return Finding(Severity.WARNING, name, found, "Use a version that it takes.")
    if instrumentations:
        return Finding(Severity.OK, name, f"{version} is instrumented by {', '.join(instrumentations)}")
    if name == "anthropic" and makes_spans(version):
        return Finding(Severity.OK, name, f"{version} makes its own spans")
    return Finding(Severity.WARNING, name, f"{version} is installed and not instrumented", f"pip install {wanted}")


def _doubled(name: str, packages: tuple[str, ...]) -> Finding:
    return Finding(
        Severity.PROBLEM,
        name,
        f"is instrumented {len(packages)} times: {', '.join(packages)}",
        f"Keep one: pip uninstall {' '.join(packages[1:])}. costspan counts such a call once, other backends twice.",
    )


def _anthropic_twice(installed: dict[str, str], packages: tuple[str, ...]) -> list[Finding]:
    if not packages or "anthropic" not in installed or not makes_spans(installed["anthropic"]):
        return []
    return [
        Finding(
            Severity.WARNING,
            "anthropic",
            f"{installed['anthropic']} makes its own spans beside {', '.join(packages)}",
            "costspan.configure() and costspan run switch them off. Elsewhere set ANTHROPIC_OPEN_TELEMETRY=false, or"
            " other backends count such a call twice.",
        )
    ]


def _bedrock_twice(installed: dict[str, str]) -> list[Finding]:
    official = "opentelemetry-instrumentation-genai-bedrock"
    if "boto3" not in installed or not {_ALL_OF_AWS, official} <= installed.keys():
        return []
    return [
        Finding(
            Severity.WARNING,
            "boto3",
            f"both {_ALL_OF_AWS} and {official} record calls of Bedrock",
            "costspan counts such a call once; other backends twice, where both are switched on.",
        )
    ]


def _instrumentors() -> dict[str, tuple[str, ...]]:
    packages: dict[str, set[str]] = {}
    for point in entry_points(group=INSTRUMENTOR_GROUP):
        if point.dist is not None:
            packages.setdefault(point.name, set()).add(_canonical(point.dist))
    return {name: tuple(sorted(found)) for name, found in packages.items()}


def _matching(word: str, installed: dict[str, str]) -> list[str]:
    return sorted(
        f"{name} {version}"
        for name, version in installed.items()
        if "instrumentation-" in name
        and name.partition("instrumentation-")[2].removeprefix("genai-") in {word, f"{word}-v2"}
    )


def _canonical(found: Distribution) -> str:
    return found.metadata["Name"].lower().replace("_", "-")
