"""Where settings come from, and which one wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from costspan.core.attribution import Attribution
from costspan.sdk.config import read_config


def test_with_nothing_said_spans_go_to_this_machine_and_users_are_hashed() -> None:
    config = read_config({})
    assert config.endpoint == "http://127.0.0.1:4318"
    assert (config.headers, config.hash_users, config.capture_content, config.disabled) == ({}, True, False, False)


@pytest.mark.parametrize(
    ("variables", "argument", "endpoint"),
    [
        ({"COSTSPAN_URL": "http://ledger:4318"}, None, "http://ledger:4318"),
        ({"COSTSPAN_URL": "http://ledger:4318"}, "http://given:1", "http://given:1"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "COSTSPAN_URL": "http://ledger:4318"}, None, None),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otel:4318/v1/traces"}, None, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"}, "http://given:1", "http://given:1"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, None, "http://127.0.0.1:4318"),
    ],
)
def test_an_argument_wins_over_opentelemetry_s_variables_and_those_over_ours(
    variables: dict[str, str], argument: str | None, endpoint: str | None
) -> None:
    assert read_config(variables, endpoint=argument).endpoint == endpoint


def test_our_own_url_is_http_whatever_protocol_opentelemetry_is_told() -> None:
    grpc = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert read_config(grpc | {"COSTSPAN_URL": "http://ledger:4318"}).protocol == "http/protobuf"
    assert read_config(grpc | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4317"}).protocol == "grpc"


@pytest.mark.parametrize(
    ("variables", "exporters"),
    [
        ({}, ("none",)),
        ({"COSTSPAN_URL": "http://ledger:4318"}, ("none",)),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "OTEL_METRICS_EXPORTER": "none"}, ("none",)),
        ({"OTEL_TRACES_EXPORTER": "none"}, ("none",)),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "console"}, ("console",)),
        ({"COSTSPAN_RECORD_TO": "inbox"}, ("none",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces-only:4318/v1/traces"}, ("none",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"}, ("otlp",)),
    ],
)
def test_metrics_go_with_the_spans_to_a_backend_and_not_to_a_ledger(
    variables: dict[str, str], exporters: tuple[str, ...]
) -> None:
    assert read_config(variables).metrics_exporters == exporters


def test_the_api_key_is_sent_unless_opentelemetry_s_headers_are_set(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    assert read_config({"COSTSPAN_API_KEY": "k-1"}).headers == {"authorization": "Bearer k-1"}
    assert read_config({"COSTSPAN_API_KEY_FILE": str(file)}).headers == {"authorization": "Bearer from-file"}
    assert read_config({"COSTSPAN_API_KEY": "k-1", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=other"}).headers == {}


def test_an_unreadable_key_file_is_said_and_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_config({"COSTSPAN_API_KEY_FILE": str(tmp_path / "absent")}).headers == {}
    assert "COSTSPAN_API_KEY_FILE" in caplog.text


def test_attribution_from_arguments_is_completed_by_the_environment() -> None:
    config = read_config(
        {"COSTSPAN_FEATURE": "from-env", "COSTSPAN_TEAM": "core", "COSTSPAN_ENVIRONMENT": "prod"},
        defaults=Attribution(feature="search"),
    )
    assert config.defaults == Attribution(feature="search", team="core", environment="prod")


@pytest.mark.parametrize("word", ["0", "false", "No", "OFF"])
def test_hashing_of_users_is_turned_off_by_a_word_for_no(word: str) -> None:
    assert read_config({"COSTSPAN_HASH_USERS": word}).hash_users is False
