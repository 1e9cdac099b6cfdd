"""Values as emitters send them: numbers as text, arrays in strings, nothing as words; and the tables of names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.semconv.attributes import first, flag, json_object, mended, number, text, texts, whole_number
from costspan.semconv.attribution import read_attribution
from costspan.semconv.outcome import error_type, finish_reason
from costspan.semconv.providers import provider


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        (5, 5), ("5", 5), (" 5 ", 5), (5.0, 5), ("5.0", 5), ("1e3", 1000), (-1, -1), (0, 0), (2**63 - 1, 2**63 - 1),
        (True, None), (False, None), (5.5, None), ("5.5", None), ("", None), ("many", None), (None, None), ([5], None),
        (b"5", None), (float("nan"), None), (float("inf"), None), ("nan", None), ("9" * 5000, 10**30),
        ("x" * 5000, None), ({}, None),
    ],
)  # fmt: skip
def test_a_count_is_a_whole_number_and_nothing_else(sent, count) -> None:
    assert whole_number(sent) == count


@pytest.mark.parametrize(
    ("sent", "found"), [(1, 1.0), ("0.5", 0.5), (True, None), ("inf", None), (10**400, None), ([], None)]
)
def test_a_number_is_finite(sent, found) -> None:
    assert number(sent) == found


@pytest.mark.parametrize(
    ("sent", "said"), [(" a ", "a"), ("", None), ("None", None), ("null", None), ("NaN", None), (5, None)]
)
def test_a_word_for_nothing_is_not_said(sent, said) -> None:
    assert text(sent) == said


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (("stop",), ("stop",)), (["a", "", None, "b"], ("a", "b")), ('["stop"]', ("stop",)), ("stop", ("stop",)),
        ("[broken", ("[broken",)), ("[]", ()), (5, ()), (b"stop", ()), ('["\\ud83d"]', ("\ufffd",)),
    ],
)  # fmt: skip
def test_texts_come_from_arrays_json_and_plain_strings(sent, found) -> None:
    assert texts(sent) == found


@pytest.mark.parametrize(("sent", "found"), [(True, True), ("TRUE", True), ("false", False), (1, None), ("yes", None)])
def test_a_flag_is_a_boolean_or_its_word(sent, found) -> None:
    assert flag(sent) is found


def test_the_first_readable_synonym_wins() -> None:
    assert first({"a": "x", "b": 2, "c": 3}, ("a", "b", "c"), whole_number) == 2


@pytest.mark.parametrize("sent", ["", "[1]", "5", '{"a"', "[" * 100_000, '{"a": ' + "9" * 5000 + "}", 5, None])
def test_what_is_no_json_object_is_an_empty_one(sent) -> None:
    assert json_object(sent) == {}


@given(st.dictionaries(st.text(), st.text()))
def test_whole_characters_are_never_touched_by_mending(document: dict[str, str]) -> None:
    for ascii_only in (True, False):
        sent = json.dumps(document, ensure_ascii=ascii_only).encode()
        assert json.loads(mended(sent)) == document


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b'"\\ud83d"', "\ufffd"), (b'"\\ud83d\\ude00"', "\U0001f600"), (b'"\\ude00\\ud83d"', "\ufffd\ufffd"),
        (b'"\\\\ud83d"', "\\ud83d"), (b'"\\\\\\ud83dx"', "\\\ufffdx"), (b'"\\uD83D\\n"', "\ufffd\n"),
    ],
)  # fmt: skip
def test_half_a_character_becomes_the_replacement_character(sent: bytes, read: str) -> None:
    assert json.loads(mended(sent)) == read


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("stop", "stop"), ("end_turn", "stop"), ("STOP", "stop"), ("FinishReason.STOP", "stop"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"), ("tool_use", "tool_calls"), ("SAFETY", "content_filter"),
        ("refusal", "content_filter"),
        ("something_new", "something_new"), (None, None),
    ],
)  # fmt: skip
def test_finish_reasons_are_one_short_list(sent, reason) -> None:
    assert finish_reason(sent) == reason


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("openai.RateLimitError", "rate_limit"), ("429", "rate_limit"), ("ThrottlingException", "rate_limit"),
        ("RESOURCE_EXHAUSTED", "rate_limit"), ("openai.APITimeoutError", "timeout"), ("504", "timeout"),
        ("ContextWindowExceededError", "context_length"), ("openai.AuthenticationError", "auth"), ("403", "auth"),
        ("openai.BadRequestError", "invalid_request"), ("openai.NotFoundError", "invalid_request"),
        ("openai.APIConnectionError", "connection"), ("asyncio.CancelledError", "cancelled"),
        ("anthropic.InternalServerError", "server"), ("overloaded_error", "server"), ("529", "server"),
        ("SomethingElse", "other"), (None, "other"), ("", "other"),
    ],
)  # fmt: skip
def test_error_types_are_one_short_list(sent, kind) -> None:
    assert error_type(sent) == kind


@pytest.mark.parametrize(
    ("sent", "host", "name"),
    [
        ("openai", "api.openai.com", "openai"), ("openai", None, "openai"), ("OpenAI", "api.groq.com", "groq"),
        ("openai", "my.openai.azure.com", "azure.ai.openai"), ("openai", "https://openrouter.ai/api/v1", "openrouter"),
        ("openai", "https://api.deepseek.com:443/v1", "deepseek"),
        ("anthropic", "bedrock.eu.amazonaws.com", "aws.bedrock"),
        ("groq", "api.openai.com", "groq"), (None, "api.mistral.ai", "mistral_ai"), (None, None, None),
        ("openai", "notapi.groq.com.example.org", "openai"), ("openai", "127.0.0.1", "openai"),
    ],
)  # fmt: skip
def test_the_host_says_who_bills_where_the_client_does_not(sent, host, name) -> None:
    assert provider(sent, host) == name


def test_attribution_prefers_the_span_then_its_bags_then_the_resource() -> None:
    span = {
        "costspan.feature": "search", "feature": "other", "traceloop.association.properties.team": "bag-team",
        "ai.telemetry.metadata.userId": "u-7", "metadata": '{"session_id": "s-1", "plan": "pro", "n": 5, "ok": true}',
        "costspan.tag.region": "eu", "team": "", "gen_ai.agent.name": "planner",
    }  # fmt: skip
    resource = {"service.name": "api", "deployment.environment.name": "prod", "team": "res-team", "feature": "res"}
    found = read_attribution(span, resource)
    assert (found.feature, found.team, found.user_id, found.session) == ("search", "bag-team", "u-7", "s-1")
    assert (found.service, found.environment, found.agent, found.tool) == ("api", "prod", "planner", None)
    assert dict(found.tags) == {"region": "eu", "plan": "pro", "n": "5", "ok": "true"}


def test_tags_are_bounded_in_number_and_in_length_of_name_and_value() -> None:
    bag = {f"costspan.tag.{i}" + "n" * 10_000: "v" * 10_000 for i in range(1000)}
    tags = read_attribution(bag, {}).tags
    assert 0 < len(tags) <= 32
    assert all(len(name) <= 256 and len(value) <= 256 for name, value in tags.items())
