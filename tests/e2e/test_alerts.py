"""Alerts end to end: a real server, telemetry through its door, a real webhook and a real SMTP server."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alert_receivers import Mails, Webhook, calls, eventually, killing, mails, receiving, settings

from costspan.cli.main import main
from serving import JSON, Server, run_serve

StartServer = Callable[..., Server]
RULE = "{name: many, measure: calls, above: 2, window: 1h, every: 1s, delay: 0s, notify: [hook]"


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with receiving() as webhook:
        yield webhook


@pytest.fixture
def mail() -> Iterator[Mails]:
    with mails() as sink:
        yield sink


def config(folder: Path, hook: Webhook, *rules: str, more: str = "") -> str:
    listed = "\n".join(f"  - {rule}" for rule in rules)
    return settings(folder, f"notifiers:\n  hook: {{webhook: '{hook.url}'}}\n{more}\nalerts:\n{listed}\n")


def post(server: Server, path: str, **request: Any) -> Any:
    answer = server.request("POST", f"/api/v1/alerts{path}", json.dumps(request).encode(), Content_Type=JSON)
    assert answer.status == 200, answer.body
    return answer.document


def get(server: Server, path: str = "") -> Any:
    answer = server.get(f"/api/v1/alerts{path}")
    assert answer.status == 200, answer.body
    return answer.document


def test_a_webhook_gets_what_alertmanager_would_send_signed_and_with_an_id(
    start_server: StartServer, tmp_path: Path, hook: Webhook
) -> None:
    text = f"""
public_url: https://costs.example.com/llm
notifiers:
  hook: {{webhook: "{hook.url}", secret: "${{HOOK_SECRET}}", headers: {{Authorization: "Bearer ${{HOOK_SECRET}}"}}}}
alerts:
  - {RULE}, group_by: [team, tag.plan], severity: critical, labels: {{tier: 1}}}}
"""
    server = start_server("--config", settings(tmp_path, text), HOOK_SECRET="hush")
    server.send(calls(3, team="search"))
    [received] = hook.wait(len)
    document, [alert] = received.document, received.document["alerts"]
    assert (document["version"], document["status"], document["receiver"]) == ("4", "firing", "costspan")
    assert (document["groupKey"], document["groupLabels"]) == ('{}:{alertname="many"}', {"alertname": "many"})
    assert (document["externalURL"], document["truncatedAlerts"]) == ("https://costs.example.com/llm/", 0)
    labels = {"alertname": "many", "severity": "critical", "tier": "1", "team": "search", "tag_plan": ""}
    assert alert["labels"] == document["commonLabels"] == labels
    assert alert["annotations"]["summary"] == "calls of team search, tag.plan (not set) in 1 h: 3, over 2"
    assert (alert["status"], alert["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert alert["generatorURL"].startswith("https://costs.example.com/llm/calls?from=")
    assert alert["generatorURL"].endswith("&f.team=search&f.tag.plan=")
    moment, _, signed = received.headers["costspan-signature"].partition(",v1=")
    wanted = hmac.new(b"hush", moment.removeprefix("t=").encode() + b"." + received.body, hashlib.sha256)
    assert hmac.compare_digest(signed, wanted.hexdigest())
    assert (received.headers["authorization"], received.headers["costspan-attempt"]) == ("Bearer hush", "1")
    assert len(received.id) == 32
    server.stop()
    assert "hush" not in server.errors()


def test_an_alert_is_told_by_webhook_and_mail_when_it_fires_and_when_it_is_over(
    start_server: StartServer, tmp_path: Path, hook: Webhook, mail: Mails
) -> None:
    rule = "{name: burst, measure: errors, where: {error_type: rate_limit}, above: 2, window: 3s, every: 1s, delay: 0s, notify: [hook, mail]}"  # noqa: E501
    server = start_server("--config", config(tmp_path, hook, rule, more=f"  mail: {{url: '{mail.url}'}}"))
    server.send(calls(3, error="429"))
    hook.wait(lambda got: len(got) == 2)
    messages = mail.wait(lambda got: len(got) == 2)
    assert hook.alerts() == [("burst", "firing"), ("burst", "resolved")]
    assert [each["Subject"] for each in messages] == [
        "[FIRING] burst: failed calls in 3 s: 3, over 2",
        "[RESOLVED] burst: failed calls in 3 s: 0",
    ]
    lines = messages[0].get_content().splitlines()
    assert lines[0] == "failed calls in 3 s: 3, over 2"
    assert lines[2].startswith("  http://127.0.0.1:0/calls?from=")
    assert [(e["state"], e["note"]) for e in get(server, "/history")["events"]] == [("resolved", ""), ("firing", "")]
    assert {each["state"] for each in get(server, "/notifications")["notifications"]} == {"sent"}


@pytest.mark.parametrize("moment", ["before_answering", "before_reading"])
def test_a_kill_around_the_sending_loses_nothing_and_what_comes_twice_is_known_by_its_id(
    start_server: StartServer, tmp_path: Path, hook: Webhook, moment: str
) -> None:
    """Killed when the receiver has it and the server does not know, or when nothing of it has arrived."""
    path = config(tmp_path, hook, f"{RULE}, group_by: [team]}}")
    for number, team in enumerate(("search", "docs"), start=1):
        server = start_server("--config", path)
        setattr(hook, moment, killing(server.process.pid))
        server.send(calls(3, team=team))
        server.process.wait(60)
        setattr(hook, moment, lambda: False)
        server.kill()
        server = start_server("--config", path)
        hook.wait(lambda got, n=number: sum(each.headers["costspan-attempt"] == "2" for each in got) == n, team)
        assert server.stop() == 0
    told = {each.id: [alert["labels"]["team"] for alert in each.document["alerts"]] for each in hook.got}
    assert sorted(told.values()) == [["docs"], ["search"]]
    arrivals = [sum(each.id == one for each in hook.got) for one in told]
    assert arrivals == ([2, 2] if moment == "before_answering" else [1, 1])


def test_for_goes_on_across_a_kill(start_server: StartServer, tmp_path: Path, hook: Webhook) -> None:
    path = config(tmp_path, hook, f"{RULE}, for: 6s}}")
    server = start_server("--config", path)
    server.send(calls(3))
    [pending] = eventually(lambda: get(server)["alerts"], "a pending alert")
    assert (pending["state"], pending["rule"]) == ("pending", "many")
    server.kill()
    server = start_server("--config", path)
    [received] = hook.wait(len)
    [alert] = get(server)["alerts"]
    assert (received.alerts, alert["state"]) == ([("many", "firing")], "firing")
    since = [event["at"] for event in get(server, "/history")["events"]]
    assert since == [alert["since"]]
    assert pending["since"] < alert["since"]


def test_a_silence_holds_notifications_back_until_it_ends(
    start_server: StartServer, tmp_path: Path, hook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, hook, f"{RULE}, group_by: [team]}}")
    server = start_server("--config", path)
    url = f"http://{server.url}"
    assert main(["alerts", "silence", "team:search", "--for", "2h", "--comment", "a load test", "--url", url]) == 0
    silence_id = capsys.readouterr().out.split()[1]
    server.kill()
    server = start_server("--config", path)
    url = f"http://{server.url}"
    server.send(calls(3, team="search"))
    server.send(calls(3, team="docs"))
    hook.wait(len)
    document = get(server)
    assert {alert["group"]["team"]: alert["note"] for alert in document["alerts"]} == {
        "docs": "",
        "search": f"silenced by {silence_id}",
    }
    assert [(each["matchers"], each["comment"]) for each in document["silences"]] == [(["team:search"], "a load test")]
    assert main(["alerts", "unsilence", silence_id, "--url", url]) == 0
    hook.wait(lambda got: len(got) == 2)
    assert [each.document["alerts"][0]["labels"]["team"] for each in hook.got] == ["docs", "search"]
    assert main(["alerts", "unsilence", silence_id, "--url", url]) == 2
    assert f"no silence '{silence_id}' holds" in capsys.readouterr().err


def test_what_a_receiver_refuses_for_good_is_listed_and_can_be_sent_again(
    start_server: StartServer, tmp_path: Path, hook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.status = 400
    server = start_server("--config", config(tmp_path, hook, f"{RULE}}}"))
    url = f"http://{server.url}"
    server.send(calls(3))
    hook.wait(len)
    eventually(lambda: get(server)["dead_letters"], "a notification that is given up")
    assert main(["alerts", "undelivered", "--url", url]) == 1
    line = capsys.readouterr().out.splitlines()[-1]
    assert "many: calls in 1 h: 3, over 2" in line
    assert "the receiver answered 400" in line
    hook.status = 200
    assert main(["alerts", "undelivered", "--send-again", line.split()[0], "--url", url]) == 0
    hook.wait(lambda got: len(got) == 2)
    assert len({each.id for each in hook.got}) == 1
    eventually(lambda: get(server, "/notifications?state=sent")["notifications"], "a notification that is sent")
    assert main(["alerts", "undelivered", "--url", url]) == 0


def test_what_a_receiver_cannot_take_now_is_sent_until_it_can(
    start_server: StartServer, tmp_path: Path, hook: Webhook
) -> None:
    hook.status = 503
    server = start_server("--config", config(tmp_path, hook, f"{RULE}}}"))
    server.send(calls(3))
    hook.wait(lambda got: len(got) == 2)
    hook.status = 200
    received = hook.wait(lambda got: len(got) == 3)
    assert [each.headers["costspan-attempt"] for each in received] == ["1", "2", "3"]
    assert len({each.id for each in received}) == 1


def test_a_receiver_that_points_elsewhere_is_not_followed(
    start_server: StartServer, tmp_path: Path, hook: Webhook
) -> None:
    hook.status = 302
    server = start_server("--config", config(tmp_path, hook, f"{RULE}}}"))
    server.send(calls(3))
    eventually(lambda: get(server)["dead_letters"], "a notification that is given up")
    [dead] = get(server, "/notifications?state=dead")["notifications"]
    assert dead["error"] == "the receiver answered 302"


def test_a_test_notification_arrives_and_only_where_the_configuration_says(
    start_server: StartServer, tmp_path: Path, hook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, hook, f"{RULE}}}")
    server = start_server("--config", path)
    url = f"http://{server.url}"
    assert main(["alerts", "test", "hook", "--url", url]) == 0
    assert hook.got[0].document["alerts"][0]["annotations"]["summary"] == "notifications arrive"
    assert hook.got[0].id in capsys.readouterr().out
    assert main(["alerts", "test", "http://127.0.0.1:1/", "--url", url]) == 2
    assert "no notifier 'http://127.0.0.1:1/'; notifiers of costspan.yaml: hook" in capsys.readouterr().err
    hook.status = 403
    assert main(["alerts", "test", "hook", "--url", url]) == 2
    assert "hook: the receiver answered 403" in capsys.readouterr().err
    server.stop()
    hook.status = 200
    (server.data / "costspan.yaml").write_text(Path(path).read_text())
    assert main(["alerts", "test", "hook", "--data", str(server.data)]) == 0
    assert len(hook.got) == 3


def test_check_says_no_while_an_alert_fires_over_http_and_of_a_folder(
    start_server: StartServer, tmp_path: Path, hook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, hook, f"{RULE}}}", "{name: dear, above: 100, window: 24h}")
    server = start_server("--config", path)
    url = f"http://{server.url}"
    assert main(["alerts", "check", "--url", url]) == 0
    server.send(calls(3))
    assert main(["alerts", "check", "--url", url]) == 1
    assert "calls in 1 h: 3, over 2\n\n1 of 2 rules' alerts fire" in capsys.readouterr().out
    assert main(["alerts", "check", "dear", "--url", url]) == 0
    assert main(["alerts", "check", "deer", "--url", url]) == 2
    hook.wait(len)
    assert main(["alerts", "list", "--url", url]) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["many", "firing", "warning", "calls", "in", "1", "h", "over", "2", "hook"] in listed
    assert ["dear", "inactive", "warning", "cost", "in", "24", "h", "over", "$100.00"] in listed
    server.stop()
    (server.data / "costspan.yaml").write_text(Path(path).read_text())
    assert main(["alerts", "check", "--data", str(server.data)]) == 1
    assert main(["alerts", "history", "--data", str(server.data)]) == 0
    assert "firing  many  calls in 1 h: 3, over 2" in capsys.readouterr().out
    assert main(["alerts", "silence", "rule:many", "--data", str(server.data)]) == 3


def test_a_backtest_says_how_often_a_rule_would_have_fired(
    start_server: StartServer, tmp_path: Path, hook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = (
        "{name: burst, measure: errors, where: {error_type: rate_limit}, above: 2, window: 5m, group_by: [team]}",
        "{name: failing, measure: error_share, above: 50%, window: 5m, min_samples: 3}",
    )
    server = start_server("--config", config(tmp_path, hook, *rules))
    day_s = 86_400
    server.send(calls(3, error="429", age_s=3 * day_s, team="search"))
    server.send(calls(4, error="429", age_s=2 * day_s, team="docs"))
    server.send(calls(4, error="timeout", age_s=day_s, team="docs"))
    server.send(calls(2, error="429", age_s=3 * day_s + 3600, team="search"))
    url = f"http://{server.url}"
    assert main(["alerts", "backtest", "burst", "--since", "7d", "--url", url]) == 0
    said = capsys.readouterr().out
    assert "burst (failed calls in 5 min over 2, where error_type is rate_limit, by team)" in said
    assert "would have fired 2 times from" in said
    assert "failed calls of team search in 5 min: 3, over 2" in said
    document = get(server, "/backtest?rule=failing&since=7d")
    assert (document["fired"], document["episodes"][0]["observed"]) == (3, "1")
    assert document["step_s"] >= document["every_s"] == 60
    assert hook.got == []
    assert get(server, "/history")["events"] == []


def test_backfill_pages_nobody(start_server: StartServer, tmp_path: Path, hook: Webhook) -> None:
    rule = "{name: burst, measure: calls, above: 2, window: 5m, every: 1s, delay: 0s, group_by: [team], notify: [hook]}"
    server = start_server("--config", config(tmp_path, hook, rule))
    server.send(calls(50, age_s=86_400, team="past"))
    server.send(calls(3, team="now"))
    hook.wait(len)
    told = [alert["labels"]["team"] for one in hook.got for alert in one.document["alerts"]]
    assert told == ["now"]
    assert {event["group"]["team"] for event in get(server, "/history")["events"]} == {"now"}


def test_a_notifier_without_its_secret_keeps_the_server_from_starting(tmp_path: Path) -> None:
    path = settings(tmp_path, 'notifiers:\n  hook: {webhook: "${NOT_SET_ANYWHERE}"}\n')
    refused = run_serve(tmp_path / "data", "--config", path)
    assert refused.returncode == 2
    assert f"{path}:2: notifiers: hook: the environment variable NOT_SET_ANYWHERE is not set" in refused.stderr


def test_a_rule_that_cannot_be_read_keeps_the_server_from_starting(tmp_path: Path) -> None:
    path = settings(tmp_path, "alerts:\n  - name: spend\n    abov: 3\n")
    refused = run_serve(tmp_path / "data", "--config", path)
    assert refused.returncode == 2
    assert f"{path}:3: alerts entry 1 (spend): abov: unknown key; known: name" in refused.stderr


@pytest.mark.parametrize(
    ("path", "request_", "status", "says"),
    [
        ("/silences", {"matchers": []}, 400, "at least one matcher"),
        ("/silences", {"matchers": ["search"]}, 400, "is not key:value"),
        ("/silences", {"matchers": ["team:a"], "for": "500d"}, 400, "a silence lasts up to 366d"),
        ("/silences", {"matchers": ["team:a"], "for": "soon"}, 400, "is not a length of time"),
        ("/test", {"notifier": "x"}, 404, "no notifier 'x'"),
        ("/notifications/x/send", {}, 404, "no notification 'x' was given up"),
        ("/silences/x/end", {}, 404, "no silence 'x' holds"),
    ],
)
def test_a_request_that_makes_no_sense_is_told_why(
    shared_server: Server, path: str, request_: dict[str, Any], status: int, says: str
) -> None:
    body = json.dumps(request_).encode()
    answer = shared_server.request("POST", f"/api/v1/alerts{path}", body, Content_Type=JSON)
    assert answer.status == status
    assert says in answer.document["detail"]


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/history?limit=0", 400, "limit '0' is not a whole number"),
        ("/notifications?state=lost", 400, "unknown state 'lost'; known: queued, sending, sent, dead"),
        ("/backtest?rule=x", 404, "no rule 'x'; rules of costspan.yaml: none"),
        ("/check?role=x", 400, "unknown parameter 'role'; known: rule"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_why(shared_server: Server, path: str, status: int, says: str) -> None:
    answer = shared_server.get(f"/api/v1/alerts{path}")
    assert (answer.status, says in answer.document["detail"]) == (status, True)
