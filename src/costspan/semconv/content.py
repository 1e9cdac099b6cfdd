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
from typing import Final

from costspan.core.record import Attributes, AttributeValue, LogRecord, SpanRecord
from costspan.semconv.attributes import MAX_JSON_CHARS, literal_object
from costspan.semconv.attribution import BAG_PREFIXES, JSON_BAGS, RESOURCE_KEYS, SPAN_KEYS, TAG_LISTS, TAG_PREFIXES
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.normalize import ABANDONED

MAX_WORD_CHARS: Final = 128
MAX_NAME_CHARS: Final = 256
_MAX_DEPTH: Final = 8

_READ: Final = frozenset(
    [key for keys in (*SPAN_KEYS.values(), *RESOURCE_KEYS.values()) for key in keys]
    + [key for one in DIALECTS for fact in fields(one.vocabulary) for key in getattr(one.vocabulary, fact.name)]
    + ["exception.type", "error.type", *TAG_LISTS]
)
"""Keys whose text the ledger holds anyway: names of models, people, features; ids; reasons."""
_BAGS: Final = BAG_PREFIXES + TAG_PREFIXES
_SAID: Final = frozenset((
    "prompt", "prompts", "completion", "completions", "content", "contents", "message", "messages",
    "text", "texts", "input", "inputs", "output", "outputs", "query", "queries", "question",
    "questions", "answer", "answers", "arguments", "args", "result", "results", "body", "document",
    "documents", "instructions", "instruction", "thinking", "summary", "description", "stacktrace",
    "value", "values", "request", "response", "reply", "data",
))  # fmt: skip
"""Last words of a key under which something said is found, even where it is one word long."""
_NAMES: Final = "names, of any words"
_WORDS: Final = "a word"
_NOTHING: Final = "nothing"
_OPENING: Final = frozenset("[{")
_WORD: Final = re.compile(r'"?[\w.:/@+\-#=]*"?')
_is_word: Final = _WORD.fullmatch
_LAST_WORD: Final = re.compile(r"[A-Za-z]+(?=[^A-Za-z]*$)")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def without_content(record: SpanRecord) -> SpanRecord:
    """Return a span without what was said in it."""
    return replace(
        record,
        name=short_name(record.name),
        attributes=kept(record.attributes),
        resource=kept(record.resource),
        events=tuple(replace(event, attributes=kept(event.attributes)) for event in record.events),
        status_message=short_status(record.status_message),
    )


def event_without_content(record: LogRecord) -> LogRecord:
    """Return a log record without what was said in it."""
    return replace(
        record,
        event_name=_word(record.event_name),
        body=_value("body", record.body, 0),
        attributes=kept(record.attributes),
        resource=kept(record.resource),
    )


def short_name(name: str) -> str:
    """Return the name of a span where it is one as the conventions make it: up to three words."""
    words = name.split(" ")
    return name if len(words) <= 3 and len(name) <= MAX_WORD_CHARS and all(map(_word, words)) else ""


def short_status(message: str) -> str:
    """Return the status of a span where it is a word or one that is read."""
    return message if message == ABANDONED else _word(message)


def kept(attributes: Attributes) -> dict[str, AttributeValue]:
    """Return attributes of which only what may be kept has a value."""
    found: dict[str, AttributeValue] = {}
    for key, value in attributes.items():
        if not isinstance(value, str):
            found[key] = _value(key, value, 0)
        elif (rule := _rule(key)) is _WORDS and value[:1] not in _OPENING:
            found[key] = _word(value)
        elif rule is _NAMES and len(value) <= MAX_NAME_CHARS:
            found[key] = value
        else:
            found[key] = _text(key, value, 0)
    return found


def _value(key: str, value: AttributeValue, depth: int) -> AttributeValue:
    if isinstance(value, str):
        return _text(key, value, depth)
    if value is None or isinstance(value, bool | int | float):
        # OTLP counts in 64 bits; JSON may say more, which is no count of anything.
        return value if not isinstance(value, int) or value.bit_length() < 64 else None
    if depth > _MAX_DEPTH or isinstance(value, bytes):
        return None
    if isinstance(value, Mapping):
        return {name: _value(name, member, depth + 1) for name, member in value.items()}
    return [_value(key, member, depth + 1) for member in value]


def _text(key: str, value: str, depth: int) -> str:
    rule = _rule(key)
    if depth == 0 and rule is _NAMES:
        return value if len(value) <= MAX_NAME_CHARS else _document(key, value) or value[:MAX_NAME_CHARS]
    if value[:1] in _OPENING:
        return _document(key, value)
    return "" if rule is _NOTHING else _word(value)


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
    return value if len(value) <= MAX_WORD_CHARS and _is_word(value) else ""


@lru_cache(maxsize=8192)
def _rule(key: str) -> str:
    """Return what of a text under `key` may be kept; keys are few, and most texts are told by theirs."""
    if key in _READ or key in JSON_BAGS or key.startswith(_BAGS):
        return _NAMES
    found = _LAST_WORD.search(_CAMEL.sub("_", key))
    return _NOTHING if found is not None and found[0].lower() in _SAID else _WORDS
