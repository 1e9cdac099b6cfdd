"""Records without what people and models said: prompts, answers, documents, arguments of tools. Pure.

What is kept is what a later reading may need: numbers, names of a word, and the keys that attribution and dialects
read. Everything else becomes an empty text, so that a key's presence goes on telling dialects apart. In JSON, where
some emitters keep a provider's whole answer, the same holds for every member.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, Final

from costspan.core.record import Attributes, AttributeValue, LogRecord, SpanRecord
from costspan.semconv.attributes import MAX_JSON_CHARS, literal_object
from costspan.semconv.attribution import BAG_PREFIXES, JSON_BAGS, RESOURCE_KEYS, SPAN_KEYS, TAG_LISTS, TAG_PREFIXES
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.normalize import ABANDONED

MAX_WORD_CHARS: Final = 128
MAX_NAME_CHARS: Final = 256
MAX_KNOWN: Final = 16_384
"""Short texts of attributes remembered, since most repeat from span to span: about 6 MB."""
_MAX_DEPTH: Final = 8

_READ: Final = frozenset(
    [key for keys in (*SPAN_KEYS.values(), *RESOURCE_KEYS.values()) for key in keys]
    + [key for one in DIALECTS for fact in fields(one.vocabulary) for key in getattr(one.vocabulary, fact.name)]
    + ["exception.type", "error.type", *TAG_LISTS]
)
"""Keys whose text the ledger holds anyway: names of models, people, features; ids; reasons."""
_BAGS: Final = BAG_PREFIXES + TAG_PREFIXES
_SAID: Final = frozenset(
    [
        "prompt",
        "prompts",
        "completion",
        "completions",
        "content",
        "contents",
        "message",
        "messages",
        "text",
        "texts",
        "input",
        "inputs",
        "output",
        "outputs",
        "query",
        "queries",
        "question",
        "questions",
        "answer",
        "answers",
        "arguments",
        "args",
        "result",
        "results",
        "body",
        "document",
        "documents",
        "instructions",
        "instruction",
        "thinking",
        "summary",
        "description",
        "stacktrace",
        "value",
        "values",
        "request",
        "response",
        "reply",
        "data",
    ]
)
"""Last words of a key under which something said is found, even where it is one word long."""
_MAX_INT: Final = 2**63 - 1
"""OTLP counts in 64 bits; JSON may say more, which is no count of anything and not kept."""
_WORD: Final = re.compile(r'"?[\w.:/@+\-#=]*"?')
_LAST_WORD: Final = re.compile(r"[A-Za-z]+(?=[^A-Za-z]*$)")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


SPAN_FACTS: Final = (
    "trace_id", "span_id", "parent_span_id", "name", "kind", "start_ns", "end_ns", "attributes", "scope", "events",
    "status_code", "status_message", "trace_state",
)  # fmt: skip
"""All that is kept of a span but its resource, which many share."""


def without_content(record: SpanRecord) -> SpanRecord:
    """Return a span without what was said in it."""
    facts = dict(zip(SPAN_FACTS, span_facts(record), strict=True))
    return SpanRecord(**facts, resource=kept(record.resource))


def span_facts(record: SpanRecord) -> tuple[Any, ...]:
    """Return the SPAN_FACTS of a span without what was said in it."""
    events, message = record.events, record.status_message
    return (
        record.trace_id,
        record.span_id,
        record.parent_span_id,
        short_name(record.name),
        record.kind,
        record.start_ns,
        record.end_ns,
        kept(record.attributes),
        record.scope,
        tuple([replace(event, attributes=kept(event.attributes)) for event in events]) if events else (),
        record.status_code,
        _word(message) if message and message != ABANDONED else message,
        record.trace_state,
    )


def event_without_content(record: LogRecord, resource: Attributes | None = None) -> LogRecord:
    """Return a log record without what was said in it; with `resource` as for a span."""
    return replace(
        record,
        event_name=_word(record.event_name),
        body=_value("body", record.body, 0),
        attributes=kept(record.attributes),
        resource=kept(record.resource) if resource is None else resource,
    )


@lru_cache(maxsize=4096)
def short_name(name: str) -> str:
    """Return the name of a span where it is one as the conventions make it: up to three words."""
    words = name.split(" ")
    return name if len(words) <= 3 and len(name) <= MAX_WORD_CHARS and all(map(_word, words)) else ""


def kept(attributes: Attributes) -> dict[str, AttributeValue]:
    """Return attributes of which only what may be kept has a value."""
    return {
        key: (value if key in _READ else _short_text(key, value))
        if value.__class__ is str and len(value) <= MAX_WORD_CHARS
        else value
        if value.__class__ is int and -_MAX_INT <= value <= _MAX_INT
        else _value(key, value, 0)
        for key, value in attributes.items()
    }


@lru_cache(maxsize=MAX_KNOWN)
def _short_text(key: str, value: str) -> str:
    return _text(key, value, 0)


def _value(key: str, value: AttributeValue, depth: int) -> AttributeValue:
    if isinstance(value, str):
        return _text(key, value, depth)
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or -_MAX_INT <= value <= _MAX_INT else None
    if depth > _MAX_DEPTH or isinstance(value, bytes):
        return None
    if isinstance(value, Mapping):
        return {name: _value(name, member, depth + 1) for name, member in value.items()}
    return [_value(key, member, depth + 1) for member in value]


def _text(key: str, value: str, depth: int) -> str:
    if depth == 0 and _is_read(key):
        return value if len(value) <= MAX_NAME_CHARS else _document(key, value) or value[:MAX_NAME_CHARS]
    if value[:1] in ("{", "["):
        return _document(key, value)
    return "" if _is_said(key) else _word(value)


def _document(key: str, value: str) -> str:
    """Return a JSON text with what may be kept of it, or nothing where it is none."""
    if len(value) > MAX_JSON_CHARS:
        return ""
    try:
        held: AttributeValue = json.loads(value)
    except (ValueError, RecursionError):
        held = literal_object(value)
    if not isinstance(held, dict | list):
        return ""
    return json.dumps(_value(key, held, 1), separators=(",", ":"))


def _word(value: str) -> str:
    return value if len(value) <= MAX_WORD_CHARS and _WORD.fullmatch(value) else ""


@lru_cache(maxsize=4096)
def _is_read(key: str) -> bool:
    return key in _READ or key in JSON_BAGS or key.startswith(_BAGS)


@lru_cache(maxsize=4096)
def _is_said(key: str) -> bool:
    found = _LAST_WORD.search(_CAMEL.sub("_", key))
    return found is not None and found[0].lower() in _SAID
