"""The Grafana dashboard and the Prometheus rules ask for what a real server's /metrics says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from bodies import PLAIN_CALL, protobuf, span
from serving import Server

from .markdown import ROOT

DASHBOARD = ROOT / "deploy/grafana/costspan.json"
RULES = ROOT / "deploy/prometheus/costspan.rules.yml"
RULES_TEST = ROOT / "deploy/prometheus/costspan.rules.test.yml"
NAME = re.compile(r"[a-zA-Z_:][\w:]*")
LABELS = re.compile(r"\b(?:by|on) \(([^)]*)\)|(\w+)=~?\"")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}
OF_PROMETHEUS = {"instance"}


@pytest.fixture(scope="module")
def families(shared_server: Server) -> list[Metric]:
    """What a server says once it has taken a call and refused a span and a request."""
    attributes = {**PLAIN_CALL, "feature": "f", "team": "t"}
    good = protobuf([span(attributes), span(trace_id=b"\1" * 15)], deployment__environment__name="prod")
    assert [shared_server.send(body).status for body in (good, b"hello")] == [200, 400]
    return list(text_string_to_metric_families(shared_server.get("/metrics").body.decode()))


def panels() -> list[dict[str, Any]]:
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def asked_by_grafana() -> Iterator[str]:
    for target in (target for panel in panels() for target in panel["targets"]):
        plain = re.sub(r"\$(team|feature|environment)\b", ".*", target["expr"])
        yield re.sub(r"\$__(range|interval|rate_interval)\b", "1h", plain)


def asked() -> list[str]:
    return [*asked_by_grafana(), *(rule["expr"] for rule in rules())]


def test_every_metric_asked_for_is_on_a_real_server(families: list[Metric]) -> None:
    there = {family.name + suffix for family in families for suffix in SUFFIXES.get(family.type, ("",))}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named = {name for expression in asked() for name in NAME.findall(expression)}
    wanted = {name for name in named if ":" in name or name.startswith(("costspan_", "process_"))}
    assert len(wanted) > 15
    assert wanted - there - recorded == set()


def test_every_label_asked_for_is_on_a_real_server(families: list[Metric]) -> None:
    there = {label for family in families for sample in family.samples for label in sample.labels}
    found = [listed or single for expression in asked() for listed, single in LABELS.findall(expression)]
    wanted = {label.strip() for labels in found for label in labels.split(",") if label.strip()}
    assert {"team", "state", "reason", "le"} <= wanted
    assert wanted - there - OF_PROMETHEUS == set()


def test_the_dashboard_asks_the_chosen_source_and_its_panels_do_not_overlap() -> None:
    assert {str(panel["datasource"]["uid"]) for panel in panels()} == {"${datasource}"}
    assert len({panel["id"] for panel in panels()}) == len(panels())
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels())
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) == 23


def test_promtool_takes_rules_and_queries_where_it_is_installed(tmp_path: Path) -> None:
    queries = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(asked_by_grafana())]
    of_panels = tmp_path / "panels.yml"
    of_panels.write_text(json.dumps({"groups": [{"name": "panels", "rules": queries}]}), encoding="utf-8")
    if promtool := shutil.which("promtool"):
        for words in (["check", "rules", str(RULES), str(of_panels)], ["test", "rules", str(RULES_TEST)]):
            done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
