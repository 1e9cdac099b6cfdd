"""`costspan doctor`: what is installed, reachable and missing, and what to do. Works in the bare install."""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from urllib.parse import urlsplit

from costspan import __version__
from costspan.cli.ask import (
    DEFAULT_URL,
    Ledger,
    ServerLedger,
    add_source_options,
    data_folder,
    is_costspan,
    open_folder,
)
from costspan.cli.doctor_clients import Finding, Severity, client_findings
from costspan.core.errors import CostspanError, UsageError

_MARKS: Final = {Severity.OK: "ok", Severity.NOTE: "note", Severity.WARNING: "WARNING", Severity.PROBLEM: "PROBLEM"}
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 when something is wrong, else 0."""
    findings = [*_versions(), *client_findings(), _endpoint(), *_ledger(arguments)]
    healthy = all(finding.severity is not Severity.PROBLEM for finding in findings)
    if arguments.json:
        print(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            print(f"{_MARKS[finding.severity]:>7}  {finding.subject}: {finding.found}")
            if finding.to_do:
                print(f"{'':>7}  -> {finding.to_do}")
    return 0 if healthy else 1


def _versions() -> list[Finding]:
    told = f"{__version__} on Python {platform.python_version()}"
    findings = [Finding(Severity.OK, "costspan", told)]
    try:
        findings.append(Finding(Severity.OK, "OpenTelemetry SDK", version("opentelemetry-sdk")))
    except PackageNotFoundError:
        findings.append(Finding(Severity.PROBLEM, "OpenTelemetry SDK", "is not installed", "pip install costspan"))
    return findings


def _endpoint() -> Finding:
    name = next((name for name in _ENDPOINTS if os.environ.get(name)), None)
    address = os.environ[name] if name else DEFAULT_URL
    subject = f"OTLP endpoint {address}"
    if _takes_connections(address):
        return Finding(Severity.OK, subject, f"answers ({name or 'the default'})")
    if name:
        return Finding(
            Severity.PROBLEM, subject, f"set by {name}, does not answer", f"Start what listens there, or unset {name}."
        )
    return Finding(Severity.NOTE, subject, "nothing listens at the default address", "costspan serve listens there.")


def _takes_connections(address: str) -> bool:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=2):
            return True
    except (OSError, ValueError):
        return False


def _ledger(arguments: argparse.Namespace) -> list[Finding]:
    findings: list[Finding] = []
    if not arguments.data or arguments.url:
        named = arguments.url or os.environ.get("COSTSPAN_URL")
        url = named or DEFAULT_URL
        try:
            answers = is_costspan(url)
        except UsageError as error:
            return [
                Finding(Severity.PROBLEM, f"server {url}", str(error), "Give an address such as http://127.0.0.1:4318.")
            ]
        if answers:
            return [
                Finding(Severity.OK, f"server {url}", "is a costspan server and answers"),
                *_prices(ServerLedger(url)),
            ]
        severity = Severity.PROBLEM if named else Severity.NOTE
        findings.append(Finding(severity, f"server {url}", "no costspan server answers", "Start one: costspan serve"))
    return findings + _folder(arguments)


def _folder(arguments: argparse.Namespace) -> list[Finding]:
    folder = data_folder(arguments)
    subject = f"data folder {folder}"
    if not folder.is_dir():
        severity = Severity.PROBLEM if arguments.data else Severity.NOTE
        return [
            Finding(severity, subject, "does not exist", "costspan serve makes it; costspan demo shows an example.")
        ]
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    try:
        with open_folder(folder) as ledger:
            return [Finding(Severity.OK, subject, f"can be read, {size / 1e6:.1f} MB"), *_prices(ledger)]
    except ModuleNotFoundError as missing:
        found = f"cannot be opened without {missing.name}"
        return [Finding(Severity.WARNING, subject, found, "pip install 'costspan[server]'")]
    except CostspanError as error:
        return [Finding(Severity.PROBLEM, subject, str(error), "Ask the server that has it open, with --url.")]


def _prices(ledger: Ledger) -> list[Finding]:
    try:
        document = ledger.ask("/api/v1/spend", [("group_by", "model"), ("interval", "total")])
    except CostspanError as error:
        return [Finding(Severity.PROBLEM, "prices", f"the ledger does not answer: {error}", "See its log.")]
    rows = [row for row in document["rows"] if row["unpriced_calls"]]
    if not rows:
        return [
            Finding(Severity.OK, "prices", f"every one of {document['total']['calls']:,} calls that succeeded has one")
        ]
    return [_unpriced(row["model"] or "(no model said)", row) for row in rows]


def _unpriced(model: str, row: dict[str, int]) -> Finding:
    calls, silent = row["unpriced_calls"], row["usage_missing_calls"]
    if silent == calls:
        to_do = (
            "Streams: ask for usage (OpenAI: stream_options={'include_usage': True}); the emitter sent no token counts."
        )
        return Finding(Severity.WARNING, f"model {model}", f"{calls:,} calls did not say what they used", to_do)
    to_do = f"Add it to costspan.yaml: prices: [{{provider: ..., model: {model}, input: ..., output: ...}}]"
    return Finding(Severity.PROBLEM, f"model {model}", f"{calls - silent:,} calls have no price", to_do)
