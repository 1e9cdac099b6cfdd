"""The `alerts:` and `notifiers:` of a costspan.yaml: what they mean, and what a mistake is answered with."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from costspan.cli.main import main
from costspan.core.errors import ConfigError
from costspan.server.alerts.rule import Anomaly, BudgetAlert, Missing, Threshold
from costspan.server.config import read_settings
from costspan.server.store.question import Filter

# Apprise's PGP support asks for a module that Python 3.13 dropped.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

INTERFACES = """
budgets:
  - {name: search-monthly, scope: {team: search}, amount_usd: 3000, period: month, notify: [slack], on_unpriced: warn}
alerts:
  - {name: daily-budget, measure: cost, window: 24h, above: 500, notify: [slack]}
  - {name: runaway-feature, measure: cost, anomaly: {baseline: 14d, ratio: 3}, group_by: [feature], notify: [pager]}
  - {name: rate-limits, measure: errors, where: {error_type: rate_limit}, window: 5m, above: 5}
  - {name: search-budget, budget: search-monthly}
notifiers:
  slack: {url: "slack://..."}
  pager: {webhook: "https://...", format: alertmanager}
"""


def settings_of(folder: Path, text: str):
    path = folder / "costspan.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_the_short_form_reads_as_documented(tmp_path: Path):
    daily, runaway, limits, budget, *_ = settings_of(tmp_path, INTERFACES).alerts
    assert (daily.condition, daily.window) == (Threshold(above=Decimal(500)), timedelta(hours=24))
    assert (daily.every, daily.hold, daily.missing) == (timedelta(minutes=1), timedelta(0), Missing.OK)
    assert runaway.condition == Anomaly(baseline=timedelta(days=14), ratio=Decimal(3))
    assert (runaway.group_by, runaway.notify) == (("feature",), ("pager",))
    assert limits.filters == (Filter("error_type", "rate_limit"),)
    assert isinstance(budget.condition, BudgetAlert)
    assert budget.condition.levels == (Decimal("0.5"), Decimal("0.8"), Decimal(1))


def test_the_longer_keys_read_as_documented(tmp_path: Path):
    [rule] = settings_of(
        tmp_path,
        """
alerts:
  - name: truncation
    measure: truncation_share
    where: {team: [search, docs], env: "!test", feature: ""}
    window: 30m
    above: 5%
    for: 10m
    keep_firing_for: 1h
    group_by: model
    min_samples: 50
    missing: keep
    every: 5m
    delay: 90s
    severity: critical
    labels: {tier: 1}
    repeat: 12h
    notify_past: true
""",
    ).alerts
    assert rule.condition == Threshold(above=Decimal("0.05"))
    assert rule.filters == (
        Filter("team", "search"),
        Filter("team", "docs"),
        Filter("environment", "test", excludes=True),
        Filter("feature", None),
    )
    assert (rule.hold, rule.keep_firing_for, rule.delay) == tuple(timedelta(minutes=m) for m in (10, 60, 1.5))
    assert (rule.group_by, rule.min_samples, rule.missing) == (("model",), 50, Missing.KEEP)
    assert (rule.labels, rule.repeat, rule.notify_past) == ({"tier": "1"}, timedelta(hours=12), True)


@pytest.mark.parametrize(
    ("entry", "line", "says"),
    [
        ("{name: a, abov: 3}", 3, "abov: unknown key; known: name, measure"),
        ("{name: a}", 3, "one of above: (or below:), anomaly: and budget: is expected"),
        ("{above: 3}", 3, "missing required field `name`"),
        ("{name: a, above: [3]}", 3, "above: expected"),
        ("{name: a, above: -3}", 3, "above: -3 is not US dollars from 0 up"),
        ("{name: a, above: 3, below: x}", 3, "below: 'x' is not US dollars"),
        ("{name: a, above: 3, anomaly: {}}", 3, "one of above:"),
        ("{name: a, measure: error_share, above: 5}", 3, "above: 5 is no share below 100%"),
        ("{name: a, measure: latency_p99, above: 10}", 3, "above: 10 is not a length of time such as 90s"),
        ("{name: a, measure: latency_p98, above: 10s}", 3, "measure: unknown measure 'latency_p98'; known: cost"),
        ("{name: a, measure: error_share_per_minute, above: 1%}", 3, "unknown measure 'error_share_per_minute'"),
        ("{name: a, measure: ingest_silence, above: 1h, group_by: team}", 3, "is of the whole ledger"),
        (
            "{name: a, measure: content_filter, above: 1, where: {error_type: x}}",
            3,
            "is a matter of error_type already",
        ),
        ("{name: a, above: 3, window: 5 minutes}", 3, "window: a length of time such as 90s, 5m, 24h or 14d"),
        ("{name: a, above: 3, every: 10ms}", 3, "every: at least 1s"),
        ("{name: a, above: 3, notify: slack}", 3, "notify: 'slack' is not there; known: none"),
        ("{name: a, above: 3, inhibits: [a]}", 3, "inhibits: 'a' is not there"),
        ("{name: a, above: 3, missing: page}", 3, "missing: invalid enum value 'page'"),
        ("{name: a, budget: x}", 3, "budget: no budget 'x'; known: none"),
        ("{name: a, anomaly: {ratio: 0.5}}", 3, "anomaly.ratio: 0.5: a ratio over 1"),
        ("{name: a, anomaly: {baseline: 90d}}", 3, "anomaly.baseline: from 7d to 28d"),
        ("{name: a, measure: calls, anomaly: {}}", 3, "anomalies are looked for in cost, not in calls"),
        ("\n    name: a\n    anomaly:\n      basline: 3d", 6, "anomaly.basline: unknown key; known: baseline"),
        ("\n    name: a\n    above: 3\n    where:\n      tem: x", 7, "where.tem: unknown key 'tem'; known: model"),
        ("{name: a, above: 3}\n  - {name: a, above: 4}", 4, "name: 'a' is taken already"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(tmp_path: Path, entry: str, line: int, says: str):
    with pytest.raises(ConfigError) as error:
        settings_of(tmp_path, f"budgets: []\nalerts:\n  - {entry}\n")
    assert str(error.value).startswith(f"{tmp_path / 'costspan.yaml'}:{line}: alerts entry ")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("notifiers: [slack]", "notifiers: a mapping of names"),
        ("notifiers:\n  a: {uri: x}", ":2: notifiers: a: one of url:, webhook: is expected"),
        ("notifiers:\n  a: {url: x, webhook: y}", ":2: notifiers: a: one of url:, webhook: is expected"),
        ("notifiers:\n  a: {url: x, secret: y}", ":2: notifiers: a: unknown key 'secret'; known: url"),
        ("alerts: 5", "alerts: a list of rules"),
        ("public_url: costs.example.com", "public_url: an address such as https://"),
    ],
)
def test_a_mistake_beside_the_rules_is_named_too(tmp_path: Path, text: str, says: str):
    with pytest.raises(ConfigError) as error:
        settings_of(tmp_path, text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("said", "environment", "says"),
    [
        ('{webhook: "${HOOK}"}', {}, "the environment variable HOOK is not set"),
        ('{webhook: "${HOOK}"}', {"HOOK": "ftp://secret"}, "webhook: an http:// or https:// address"),
        ('{webhook: "http://a", format: slack}', {}, "format: known: alertmanager"),
        ('{webhook: "http://a", headers: {X: "${HOOK}"}}', {"HOOK": "a\nb"}, "headers: a mapping of names to texts"),
        ('{url: "nothing://token@host"}', {}, "url: number 1 (nothing) is no URL that Apprise knows"),
    ],
)
def test_a_notifier_that_cannot_be_used_is_named_without_its_secret(
    tmp_path: Path, said: str, environment: dict[str, str], says: str
):
    entry = settings_of(tmp_path, f"notifiers:\n  a: {said}\n").notifiers["a"]
    with pytest.raises(ConfigError) as error:
        entry.open(environment)
    assert str(error.value).startswith(f"{tmp_path / 'costspan.yaml'}:2: notifiers: a: {says}")
    assert "token" not in str(error.value)


def test_a_notifier_shows_no_secret(tmp_path: Path):
    said = '{webhook: "https://u:p@host/${K}", secret: "${K}", headers: {Authorization: "Bearer ${K}"}}'
    entry = settings_of(tmp_path, f"notifiers:\n  a: {said}\n  b: {{url: 'json://u:hunter2@host'}}\n").notifiers
    shown = repr([each.open({"K": "hunter2"}) for each in entry.values()]) + repr(entry)
    assert "hunter2" not in shown


def test_the_starter_file_loads_and_has_the_alerts_of_the_guides(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["alerts", "starter"]) == 0
    said = capsys.readouterr().out
    assert said == (files("costspan.server.alerts") / "starter.yaml").read_text(encoding="utf-8")
    rules = {rule.name: rule for rule in settings_of(tmp_path, said).alerts}
    limits = {name: rule.condition.above for name, rule in rules.items() if isinstance(rule.condition, Threshold)}
    assert limits == {
        "daily-spend": 500,
        "rate-limits": 5,
        "rate-limit-storm": 10,
        "slow-calls": 10,
        "truncation": Decimal("0.05"),
        "content-filter": 3,
        "unpriced-model": 0,
        "no-telemetry": 3600,
    }
    fortnight = timedelta(days=14)
    assert rules["cost-spike"].condition == Anomaly(baseline=fortnight, ratio=Decimal(2), windows=(timedelta(hours=1),))
    assert rules["runaway-feature"].condition == Anomaly(baseline=fortnight, ratio=Decimal(3))


def test_the_published_schema_names_every_key_of_a_rule():
    done = subprocess.run(
        [sys.executable, "-m", "costspan.cli", "alerts", "schema"], capture_output=True, text=True, check=True
    )
    schema = json.loads(done.stdout)
    entry = schema["$defs"]["AlertEntry"]
    assert (schema["type"], entry["additionalProperties"], entry["required"]) == ("array", False, ["name"])
    assert {"measure", "above", "below", "anomaly", "budget", "for", "missing", "inhibits"} <= entry[
        "properties"
    ].keys()
