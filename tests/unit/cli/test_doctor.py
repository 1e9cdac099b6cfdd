"""`costspan doctor` on environments made of real distribution metadata."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import opentelemetry.instrumentation.dependencies  # noqa: F401 - cannot be found among what a test installs
import pytest
from spend_documents import spend_document, spend_row

import costspan.cli.doctor  # noqa: F401 - likewise
from costspan.cli.main import main


@pytest.fixture
def install(tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    others = [folder for folder in sys.path if "site-packages" not in folder]
    monkeypatch.setattr(sys, "path", [str(site), *others])  # nothing but what a test installs

    def install_one(name: str, version: str, *instruments: str, requires: str = "") -> None:
        info = Path(site / f"{name.replace('-', '_')}-{version}.dist-info")
        info.mkdir()
        required = f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}")
        points = "".join(f"{point} = somewhere:Instrumentor\n" for point in instruments)
        (info / "entry_points.txt").write_text(f"[opentelemetry_instrumentor]\n{points}")

    return install_one


def examine(capsys, *words: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    code = main(["doctor", "--json", *words])
    by_subject: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(capsys.readouterr().out)["findings"]:
        by_subject.setdefault(finding["subject"], []).append(finding)
    return code, by_subject


def test_a_machine_without_server_and_folder_is_well(capsys, monkeypatch) -> None:
    monkeypatch.delenv("COSTSPAN_URL")
    code, found = examine(capsys)

    assert code == 0
    assert found["costspan"][0]["severity"] == "ok"
    assert found["data folder costspan-data"][0]["severity"] == "note"


def test_a_client_that_nobody_watches_is_a_warning_with_the_package_to_install(capsys, install) -> None:
    install("google-genai", "2.34.0")

    _, found = examine(capsys)

    assert found["google-genai"][0]["severity"] == "warning"
    assert found["google-genai"][0]["to_do"] == "pip install opentelemetry-instrumentation-google-genai"


def test_an_instrumentation_without_its_client_names_the_client_that_is_missing(capsys, install) -> None:
    install("opentelemetry-instrumentation-genai-openai", "1.3b0", "openai")

    _, found = examine(capsys)

    assert found["LLM clients"][0]["found"] == "none is installed here; openai would be instrumented"
    assert found["LLM clients"][0]["to_do"].endswith("pip install openai")


def test_two_packages_on_one_entry_point_are_a_problem(capsys, install) -> None:
    install("langchain", "1.2.0")
    install("opentelemetry-instrumentation-genai-langchain", "1.3b0", "langchain")
    install("opentelemetry-instrumentation-langchain", "0.62.4", "langchain")

    code, found = examine(capsys)

    doubled = found["langchain"][1]
    assert code == 1
    assert doubled["severity"] == "problem"
    assert doubled["found"].endswith(
        "2 times: opentelemetry-instrumentation-genai-langchain, opentelemetry-instrumentation-langchain"
    )


def test_the_anthropic_sdks_own_spans_beside_an_instrumentation_are_pointed_out_until_switched_off(
    capsys, install, monkeypatch
) -> None:
    install("anthropic", "2.11.0")
    install("opentelemetry-instrumentation-genai-anthropic", "1.3b0", "anthropic")

    _, found = examine(capsys)
    assert found["anthropic"][1]["severity"] == "warning"
    assert "ANTHROPIC_OPEN_TELEMETRY=false" in found["anthropic"][1]["to_do"]

    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
    assert len(examine(capsys)[1]["anthropic"]) == 1


def test_an_anthropic_sdk_from_before_its_own_spans_needs_an_instrumentation(capsys, install) -> None:
    install("anthropic", "1.13.2")

    _, found = examine(capsys)

    assert found["anthropic"][0]["to_do"] == "pip install opentelemetry-instrumentation-genai-anthropic"


def test_a_version_that_the_official_package_does_not_take_is_instrumented_by_costspan(capsys, install) -> None:
    install("google-genai", "3.4.0")
    package = "opentelemetry-instrumentation-google-genai"
    install(package, "1.3b0", "google-genai", requires="google-genai<3,>=1.32.0; extra == 'instruments'")

    _, found = examine(capsys)

    assert found["google-genai"][0]["severity"] == "ok"
    assert found["google-genai"][0]["found"] == f"3.4.0 is not taken by {package}"
    assert "costspan run" in found["google-genai"][0]["to_do"]


def test_two_packages_that_record_bedrock_are_pointed_out(capsys, install) -> None:
    install("boto3", "1.44.5")
    install("opentelemetry-instrumentation-genai-bedrock", "1.3b0", "bedrock")
    install("opentelemetry-instrumentation-botocore", "0.66b1", "botocore")

    _, found = examine(capsys)

    assert found["boto3"][1]["severity"] == "warning"
    assert "opentelemetry-instrumentation-botocore" in found["boto3"][1]["found"]


def test_a_set_endpoint_that_does_not_answer_is_a_problem(capsys, monkeypatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")

    code, found = examine(capsys)

    assert code == 1
    assert found["OTLP endpoint http://127.0.0.1:9"][0]["severity"] == "problem"


def test_models_without_a_price_and_models_without_usage_are_told_apart(capsys, stub_server, monkeypatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", stub_server.url)
    rows = [
        spend_row(model="acme-internal-70b", calls=7, unpriced_calls=7),
        spend_row(model="gpt-5.4", calls=9, billed_calls=5, unpriced_calls=4, usage_missing_calls=4),
        spend_row(model="o3", calls=1, billed_calls=1),
    ]
    stub_server.spend = spend_document(rows, spend_row(calls=17, billed_calls=6, unpriced_calls=11))

    code, found = examine(capsys, "--url", stub_server.url)

    assert code == 1
    assert found[f"server {stub_server.url}"][0]["severity"] == "ok"
    assert found["model acme-internal-70b"][0]["found"] == "7 calls have no price"
    assert found["model gpt-5.4"][0]["severity"] == "warning"
    assert "include_usage" in found["model gpt-5.4"][0]["to_do"]
    assert "model o3" not in found


def test_text_says_what_to_do_below_each_finding(capsys) -> None:
    assert main(["doctor", "--url", "http://127.0.0.1:9"]) == 1

    out = capsys.readouterr().out
    assert "PROBLEM  server http://127.0.0.1:9: no costspan server answers\n" in out
    assert "-> Start one: costspan serve\n" in out
