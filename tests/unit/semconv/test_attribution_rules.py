"""`attribution:` of a costspan.yaml: what the emitter did not say is assigned, and a wrong entry is named."""

from __future__ import annotations

from typing import Any

import pytest

from costspan.core.attribution import Attribution
from costspan.core.errors import ConfigError
from costspan.semconv.attribution_rules import WHEN_KEYS, parse_attribution_rules
from costspan.server.store.question import COLUMNS
from costspan.testing.spans import sample_call

BOT = {
    "when": {"service": "checkout-bot", "model": "gpt-*"},
    "set": {"feature": "checkout", "team": "payments", "tag.costcenter": "42"},
}


def assigned(*entries: dict[str, Any], model: str = "gpt-5.4", **said: Any) -> Attribution:
    call = sample_call(requested_model=model, attribution=Attribution(service="checkout-bot", **said))
    return parse_attribution_rules(list(entries)).call(call).attribution


def test_a_rule_says_what_the_emitter_did_not():
    who = assigned(BOT)

    assert (who.service, who.feature, who.team, dict(who.tags)) == (
        "checkout-bot",
        "checkout",
        "payments",
        {"costcenter": "42"},
    )


def test_what_was_said_stays_unless_the_rule_overrides():
    assert assigned(BOT, feature="refunds", tags={"costcenter": "7", "lane": "a"}).feature == "refunds"
    assert assigned({**BOT, "override": True}, feature="refunds").feature == "checkout"
    over = assigned({**BOT, "override": True}, tags={"costcenter": "7", "lane": "a"})
    assert dict(over.tags) == {"costcenter": "42", "lane": "a"}


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"service": "checkout-*"}, True),
        ({"service": "checkout"}, False),
        ({"service": "CHECKOUT-BOT"}, False),
        ({"model": "*5.4"}, True),
        ({"model": "gpt-?.4"}, False),
        ({"provider": "openai", "operation": "chat", "mode": "standard", "attempt": 1}, True),
        ({"env": "prod"}, True),
        ({"user": "u-1"}, True),
        ({"tag.lane": "a*"}, True),
        ({"tag.other": "*"}, False),
        ({"team": None}, True),
        ({"team": "*"}, False),
        ({"service": ""}, False),
    ],
)
def test_a_condition_holds_for_exact_values_stars_and_for_what_is_not_said(when: dict[str, Any], holds: bool):
    said = assigned({"when": when, "set": {"feature": "f"}}, environment="prod", user_id="u-1", tags={"lane": "ab"})

    assert (said.feature == "f") is holds


def test_rules_speak_in_their_order_and_hear_one_another():
    first = {"when": {"service": "checkout-bot"}, "set": {"team": "payments"}}
    second = {"when": {"team": "payments"}, "set": {"feature": "checkout", "team": "nobody"}}

    assert (assigned(first, second).team, assigned(first, second).feature) == ("payments", "checkout")
    assert assigned(second, first).feature is None


def test_a_tool_use_is_completed_by_rules_that_ask_only_whom_it_was_for():
    rules = parse_attribution_rules([BOT, {"when": {"service": "checkout-bot"}, "set": {"team": "tools"}}])

    assert rules.attribution(Attribution(service="checkout-bot")).team == "tools"


def test_a_rule_may_ask_for_every_key_there_is_but_the_verdict_of_pricing():
    known = {*WHEN_KEYS, "user"}

    assert {*COLUMNS} - known == {"price_status"}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"when": {}}, "costspan.yaml: attribution: a list of entries"),
        (["x"], "costspan.yaml: attribution entry 1: a mapping"),
        ([BOT, {"wenn": {}, "set": {"team": "t"}}], "costspan.yaml: attribution entry 2: unknown key 'wenn'"),
        ([{"when": {"colour": "red"}, "set": {"team": "t"}}], "attribution entry 1: when: unknown key 'colour'"),
        ([{"when": {}, "set": {"model": "m"}}], "attribution entry 1: set: unknown key 'model'"),
        ([{"when": {}, "set": {"tag.": "m"}}], "attribution entry 1: set: unknown key 'tag.'"),
        ([{"when": {"price_status": "free"}, "set": {"team": "t"}}], "when: unknown key 'price_status'"),
        ([{"when": {"team": ["a"]}, "set": {"team": "t"}}], "attribution entry 1: when: team: one value, found list"),
        ([{"when": {}, "set": {}}], "attribution entry 1: set: says nothing"),
        ([{"when": {}, "set": {"team": ""}}], "attribution entry 1: set: team: a value"),
        ([{"when": [], "set": {"team": "t"}}], "attribution entry 1: when: a mapping"),
        ([{**BOT, "override": "yes"}], "attribution entry 1: override: true or false"),
    ],
)
def test_a_wrong_rule_is_named_by_file_entry_and_key(entries: object, said: str):
    with pytest.raises(ConfigError) as wrong:
        parse_attribution_rules(entries)

    assert said in str(wrong.value)
