"""The JSON Schema of costspan.yaml knows what the server knows, neither more nor less, and says what each key means."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from costspan.cli.config import settings_schema
from costspan.cli.main import main
from costspan.core.errors import ConfigError
from costspan.server.config import KNOWN_KEYS, read_settings

SCHEMA = settings_schema()
SECTIONS: dict[str, dict[str, Any]] = SCHEMA["properties"]
LISTING = [
    name for name in SECTIONS if name not in {"closed_until", "public_url", "auth", "alerts", "mappings", "store"}
]
"""Sections whose errors list the keys they know."""


def entry_of(section: str, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a section's entries, and one entry inside `value`."""
    schema = SECTIONS[section]
    if section == "notifiers":
        return schema["additionalProperties"], next(iter(value.values()))
    return (schema["items"], value[0]) if schema["type"] == "array" else (schema, value)


def written(folder: Path, document: dict[str, Any]) -> Path:
    """Write a costspan.yaml and return its path."""
    file = folder / "costspan.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    return file


def test_the_schema_and_the_server_know_the_same_sections() -> None:
    assert set(SECTIONS) == set(KNOWN_KEYS)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_an_example_that_schema_and_server_take(section: str, tmp_path: Path) -> None:
    [example] = SECTIONS[section]["examples"]
    jsonschema.validate({section: example}, SCHEMA)
    read_settings(written(tmp_path, {section: example}))


@pytest.mark.parametrize("section", LISTING)
def test_the_schema_has_the_keys_that_the_server_names_when_one_is_wrong(section: str, tmp_path: Path) -> None:
    [example] = deepcopy(SECTIONS[section]["examples"])
    schema, entry = entry_of(section, example)
    entry["no_such_key"] = 1
    with pytest.raises(ConfigError, match="no_such_key") as refused:
        read_settings(written(tmp_path, {section: example}))
    said = re.split(r"known: |known are ", str(refused.value))[1]
    known = set(re.findall(r"[a-z_0-9]+", said))
    assert known <= set(schema["properties"])
    assert set(schema["properties"]) == known or section == "notifiers"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({section: example}, SCHEMA)


def test_every_key_is_explained() -> None:
    silent = [
        f"{section}.{key}"
        for section, schema in SECTIONS.items()
        if section != "alerts"
        for key, each in entry_of(section, schema["examples"][0])[0].get("properties", {}).items()
        if "description" not in each and each != {"$ref": "#/$defs/price"}
    ]
    assert silent == []
    assert all("description" in schema for schema in SECTIONS.values())


def test_a_right_file_is_said_to_be_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, {"retention": {"raw": "7d"}})
    assert main(["config", "check", str(file)]) == 0
    assert capsys.readouterr().err == f"{file}: the server would take it\n"


def test_without_a_file_it_says_that_every_setting_has_its_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTSPAN_DATA", str(tmp_path))
    monkeypatch.delenv("COSTSPAN_CONFIG", raising=False)
    assert main(["config", "check"]) == 0
    assert f"no costspan.yaml in {tmp_path}" in capsys.readouterr().err


def test_a_mistake_is_named_with_its_key_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, {"retention": {"raw": "a week"}})
    assert main(["config", "check", str(file)]) == 2
    assert f"{file}: retention: raw: 'a week' is no length of time" in capsys.readouterr().err


def test_a_notifier_whose_variable_is_not_set_is_found_before_the_server_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_PAGER", raising=False)
    file = written(tmp_path, {"notifiers": {"pager": {"webhook": "${NO_SUCH_PAGER}"}}})
    assert main(["config", "check", str(file)]) == 2
    assert "notifiers: pager: the environment variable NO_SUCH_PAGER is not set" in capsys.readouterr().err
