"""What `deploy/` offers is accepted by the tool of each format, and says what this version of costspan understands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from costspan.cli import serve
from costspan.server.config import read_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent


def test_hadolint_finds_nothing_in_the_containerfile() -> None:
    done = subprocess.run([BIN / "hadolint", ROOT / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_kubernetes_takes_every_resource() -> None:
    file = DEPLOY / "kubernetes/costspan.yaml"
    done = subprocess.run([BIN / "kubernetes-validate", "--strict", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed") == 4


@pytest.mark.parametrize(
    ("folder", "services"),
    [
        ("compose", ["collector", "costspan"]),
        ("clickhouse", ["costspan1", "costspan2", "node1", "node2", "node3"]),
    ],
)
def test_the_compose_files_keep_to_their_specification(folder: str, services: list[str]) -> None:
    from compose_spec import PyCompose

    found = PyCompose.from_yaml((DEPLOY / folder / "compose.yaml").read_text("utf-8"))
    found.validate()
    assert sorted(found.service_names()) == services


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="only systemd can judge its units, and a Mac has none"
)
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "costspan.service"
    text = (DEPLOY / "systemd/costspan.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/costspan/bin/costspan", str(BIN / "costspan")), "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_started_with_are_options_of_serve() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    serve.configure(parser)
    known = {option for action in parser._actions for option in action.option_strings}
    files = [ROOT / "Containerfile", DEPLOY / "systemd/costspan.service", DEPLOY / "kubernetes/costspan.yaml"]
    for file in files:
        said = re.findall(r'"?serve"?,? (.*)', file.read_text("utf-8"))
        options = set(re.findall(r"--[a-z-]+", " ".join(said)))
        assert options <= known, file
        assert "--host" in options, file


def test_the_settings_in_the_manifest_are_settings(tmp_path: Path) -> None:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes/costspan.yaml").read_text("utf-8"))
    [settings] = [each["data"]["costspan.yaml"] for each in documents if each["kind"] == "ConfigMap"]
    file = tmp_path / "costspan.yaml"
    file.write_text(settings, "utf-8")
    assert read_settings(file).retention.calls is not None


def test_the_container_leaves_out_what_is_not_source() -> None:
    assert (ROOT / ".containerignore").read_text("utf-8") == (ROOT / ".dockerignore").read_text("utf-8")
    ignored = (ROOT / ".containerignore").read_text("utf-8").splitlines()
    assert {".git", ".venv*", "costspan-data"} <= set(ignored)
