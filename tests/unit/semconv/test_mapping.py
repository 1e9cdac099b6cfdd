"""A user's own attribute names, from `mappings` of the configuration."""

from __future__ import annotations

import re
from typing import Any

import pytest

from costspan.core.call import Call
from costspan.core.errors import ConfigError
from costspan.core.record import Scope, SpanRecord
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.mapping import mapped_dialect
from costspan.semconv.normalize import read_call

SETTINGS = {
    "name": "acme",
    "scope": "acme.*",
    "provider": "anthropic",
    "convention": "exclusive",
    "fields": {
        "input": "acme.tokens.in",
        "output": "acme.tokens.out",
        "cache_read": "acme.tokens.cached",
        "requested_model": ["acme.model", "acme.deployment"],
        "user": "acme.customer",
        "feature": "acme.feature",
        "tag.tenant": "acme.tenant",
    },
}
ATTRIBUTES = {
    "acme.tokens.in": 50,
    "acme.tokens.out": "77",
    "acme.tokens.cached": 10,
    "acme.deployment": "claude-haiku-4-5",
    "acme.customer": "u-1",
    "acme.feature": "triage",
    "acme.tenant": "t-9",
}


def read(attributes: dict[str, Any], scope: str = "acme.llm", settings: object = SETTINGS) -> Call | None:
    dialects = DIALECTS.before([mapped_dialect(settings, "costspan.yaml: mappings[0]")])
    record = SpanRecord(
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        parent_span_id=None,
        name="ask",
        kind=1,
        start_ns=1,
        end_ns=2,
        attributes=attributes,
        scope=Scope(scope),
    )
    return read_call(record, dialects)


def test_mapped_attributes_make_a_call() -> None:
    call = read(ATTRIBUTES)
    assert call is not None
    assert call.dialect == "acme"
    assert {unit.value: quantity for unit, quantity in call.usage} == {"input": 50, "cache_read": 10, "output": 77}
    assert (call.provider, call.requested_model) == ("anthropic", "claude-haiku-4-5")
    assert (call.attribution.user_id, call.attribution.feature) == ("u-1", "triage")
    assert dict(call.attribution.tags) == {"tenant": "t-9"}


def test_another_scope_is_not_mapped() -> None:
    assert read(ATTRIBUTES, scope="shop.web") is None


def test_without_a_scope_a_mapping_overrules_a_known_scope() -> None:
    settings = {"fields": {"input": "acme.tokens.in", "output": "acme.tokens.out"}}
    call = read(
        {**ATTRIBUTES, "gen_ai.usage.input_tokens": 1, "gen_ai.request.model": "gpt-4o"},
        scope="opentelemetry.instrumentation.genai.openai",
        settings=settings,
    )
    assert call is not None
    assert (call.dialect, call.usage.input_tokens, call.requested_model) == ("mapping", 50, "gpt-4o")


def test_the_prefilter_knows_the_mapped_names() -> None:
    markers = DIALECTS.before([mapped_dialect(SETTINGS, "here")]).markers
    assert b"acme.tokens.in" in markers


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("acme", "costspan.yaml: mappings[0]: a mapping is a set of `name: value` lines, not str"),
        ({"scop": "a"}, "costspan.yaml: mappings[0]: unknown setting 'scop'; did you mean 'scope'?"),
        ({"scope": "a"}, "costspan.yaml: mappings[0].fields: name at least one attribute"),
        ({"fields": {"inptu": "a"}}, "costspan.yaml: mappings[0].fields: unknown field 'inptu'; did you mean 'input'?"),
        ({"fields": {"feature": "a"}}, "`input`, `output` or `total` must be mapped"),
        ({"fields": {"input": 3}}, "mappings[0].fields.input: one attribute name or a list of them is needed, not int"),
        ({"fields": {"input": ["a", ""]}}, "mappings[0].fields.input: a text is needed, not str"),
        (
            {"fields": {"input": "a"}, "convention": ["both"]},
            "mappings[0].convention: ['both'] is not a counting convention; use inclusive or exclusive",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(settings: object, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        mapped_dialect(settings, "costspan.yaml: mappings[0]")
