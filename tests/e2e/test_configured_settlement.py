"""A costspan.yaml that assigns attribution and says sampling ratios, on a real server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from costspan.core.attribution import Attribution
from costspan.core.record import SpanRecord
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import otel_genai, sample_call
from serving import Server, run_serve

RULES = """
attribution:
  - {when: {service: checkout-bot, model: "gpt-*"}, set: {feature: checkout, team: payments, tag.costcenter: "42"}}
  - {when: {service: checkout-bot, operation: embeddings}, set: {team: search}, override: true}
"""
SAMPLING = """
sampling:
  - {service: crawler, ratio: "0.1"}
"""


def settings(folder: Path, text: str) -> str:
    path = folder / "costspan.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def call(number: int, service: str, trace: int = 0, trace_state: str = "", **said) -> SpanRecord:
    """A gpt-5.4 call of $0.0055, in trace `trace` or one of its own."""
    made = sample_call(
        trace_id=f"{trace or number:032x}",
        span_id=f"{number:016x}",
        response_id=f"r{number}",
        attribution=Attribution(service=service, feature=said.pop("feature", None)),
        **said,
    )
    return replace(otel_genai(made), trace_state=trace_state)


def rows(server: Server, **question) -> list[tuple]:
    document = server.spend(**question)
    keys = document["group_by"]
    return [(*(row[key] for key in keys), row["cost_usd"]) for row in document["rows"]]


def test_attribution_is_assigned_before_the_call_is_entered(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server("--config", settings(tmp_path, RULES))
    server.send(
        protobuf_body([call(1, "checkout-bot"), call(2, "checkout-bot", feature="refunds"), call(3, "other-bot")])
    )

    assert sorted(rows(server, group_by="feature,team,tag.costcenter"), key=str) == [
        ("checkout", "payments", "42", "0.0055"),
        ("refunds", "payments", "42", "0.0055"),
        (None, None, None, "0.0055"),
    ]


def test_changed_rules_hold_for_what_comes_after(start_server: Callable[..., Server], tmp_path: Path) -> None:
    first = start_server("--config", settings(tmp_path, RULES))
    first.send(protobuf_body([call(1, "checkout-bot")]))
    first.stop()
    second = start_server("--config", settings(tmp_path, RULES.replace("payments", "shop")))
    second.send(protobuf_body([call(2, "checkout-bot")]))

    assert sorted(rows(second, group_by="team")) == [("payments", "0.0055"), ("shop", "0.0055")]


def test_an_unknown_key_of_a_rule_keeps_the_server_from_starting(tmp_path: Path) -> None:
    path = settings(tmp_path, "attribution:\n  - {when: {servce: x}, set: {team: t}}\n")

    refused = run_serve(tmp_path / "data", "--config", path)

    assert refused.returncode == 2
    assert f"{path}: attribution entry 1: when: unknown key 'servce'" in refused.stderr


def test_a_configured_ratio_estimates_what_was_spent_with_its_standard_error(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server("--config", settings(tmp_path, SAMPLING))
    # Two calls in trace 9, one in a trace of its own; a service nobody says anything of; one that says 1 in 2.
    server.send(
        protobuf_body(
            [
                call(1, "crawler", trace=9),
                call(2, "crawler", trace=9),
                call(3, "crawler"),
                call(4, "web"),
                call(5, "mail", trace_state="ot=th:8"),
            ]
        )
    )

    document = server.spend(group_by="service")
    told = {
        row["service"]: (row["cost_usd"], row["estimated_cost_usd"], row["estimated_cost_stderr_usd"])
        for row in document["rows"]
    }
    assert told == {
        # sqrt(90 * 0.011**2 + 90 * 0.0055**2) = 0.0055 * sqrt(450)
        "crawler": ("0.0165", "0.165", "0.116673"),
        "web": ("0.0055", None, None),
        # The root of 2 times 0.0055 squared.
        "mail": ("0.0055", "0.011", "0.00777817"),
    }
    total = document["total"]
    # 0.165 + 0.0055 + 0.011, and 0.0055 * sqrt(452)
    assert (total["estimated_cost_usd"], total["estimated_cost_stderr_usd"]) == ("0.1815", "0.116932")
    assert document["completeness"]["sampling_unknown_calls"] == 1


def test_calls_that_were_not_sampled_have_no_estimate_and_no_error(server: Server) -> None:
    server.send(protobuf_body([call(1, "web")]))

    document = server.spend(group_by="service", interval="1d")
    assert document["total"]["estimated_cost_stderr_usd"] is None
    assert document["rows"][0]["estimated_cost_stderr_usd"] is None
    assert document["completeness"]["sampling_unknown_calls"] == 1
