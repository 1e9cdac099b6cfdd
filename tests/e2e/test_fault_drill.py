"""The fault drill: a feature that retries in a loop is told of within minutes, once, with its cause first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from alert_receivers import eventually, mails, receiving, settings

from costspan.core.attribution import Attribution
from costspan.core.clock import ns_from_utc
from costspan.testing.demo_traffic import DemoTraffic
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import otel_genai, sample_call
from serving import Server

FEATURE = "document_summary"
RULES = f"""
alerts:
  - name: runaway-feature
    anomaly: {{baseline: 14d, ratio: 3}}
    group_by: [feature]
    where: {{feature: {FEATURE}}}
    every: 5s
    delay: 0s
    for: 10s
    keep_firing_for: 1h
    notify: [hook, mail]
"""


def history(now: datetime) -> Iterator[Any]:
    """Two weeks and a day of the demo's traffic."""
    return DemoTraffic(now=now, calls_per_day=300, steady=True).spans(now - timedelta(days=15), now)


def retry_loop(now: datetime) -> Iterator[Any]:
    """Every ten seconds of the last quarter of an hour a request that fails, and is made again at full price."""
    who = Attribution(service="docs", feature=FEATURE, team="docs", user_id="u-loop")
    for number in range(90):
        for attempt in (1, 2):
            failed = attempt == 1
            began_ns = ns_from_utc(now - timedelta(seconds=10 * number + (9 if failed else 5)))
            call = sample_call(
                provider="anthropic",
                requested_model="claude-sonnet-4-6",
                trace_id=f"{0xF0000 + number:032x}",
                span_id=f"{0xF0000 + 2 * number + attempt:016x}",
                parent_span_id=f"{0xA0000 + number:016x}",
                error_type="InternalServerError" if failed else None,
                attribution=who,
                **({} if failed else {"input": 90_000, "output": 900, "response_id": f"loop{number}"}),
            )
            yield replace(otel_genai(call), start_ns=began_ns, end_ns=began_ns + 2 * 10**9)


def send(server: Server, spans: Iterator[Any]) -> None:
    while some := list(islice(spans, 2_000)):
        assert server.send(protobuf_body(some)).status == 200


def alerts(server: Server) -> list[Any]:
    found: list[Any] = server.get("/api/v1/alerts").document["alerts"]
    return found


def test_a_retry_loop_in_a_fortnight_of_traffic_is_told_once_with_its_cause_across_kills(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    with receiving() as hook, mails() as mail:
        notifiers = f"notifiers:\n  hook: {{webhook: '{hook.url}'}}\n  mail: {{url: '{mail.url}'}}\n"
        path = settings(tmp_path, notifiers + RULES)
        server = start_server()
        send(server, history(now))
        server.stop()
        server = start_server("--config", path)
        assert alerts(server) == []
        send(server, retry_loop(now))
        eventually(lambda: alerts(server), "an alert that is pending")
        server.kill()
        server = start_server("--config", path)
        [told] = hook.wait(len)
        [message] = mail.wait(len)
        sent = "/api/v1/alerts/notifications?state=sent"
        eventually(lambda: len(server.get(sent).document["notifications"]) == 2, "two notifications that are sent")
        server.kill()
        server = start_server("--config", path)
        [rule] = server.get("/api/v1/alerts").document["rules"]
        again = eventually(
            lambda: [r for r in server.get("/api/v1/alerts").document["rules"] if r["judged_at"] > rule["judged_at"]],
            "another round of judging",
        )
        assert (again[0]["state"], len(hook.got), len(mail.got)) == ("firing", 1, 1)
        [alert] = told.document["alerts"]
        assert (alert["labels"]["alertname"], alert["labels"]["feature"]) == ("runaway-feature", FEATURE)
        assert alert["annotations"]["summary"].startswith(f"retries of feature {FEATURE}: last ")
        assert alert["annotations"]["description"].splitlines()[0].startswith("retries: +$")
        assert "user u-loop: +$" in alert["annotations"]["description"]
        assert f"f.feature={FEATURE}" in alert["generatorURL"]
        assert message["Subject"].startswith(f"[FIRING] runaway-feature: retries of feature {FEATURE}: last ")
        assert "retries: +$" in message.get_content()
