"""What was asked and answered stays in the program: content leaves only where `COSTSPAN_CAPTURE_CONTENT` says so.

Applied to the copy of a span that costspan exports, whichever instrumentation put the content on it and whoever told
it to; the application's own exporters send what they sent before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, cast

from opentelemetry.sdk.trace import Event
from opentelemetry.util.types import AttributeValue

from costspan.core.call import Call
from costspan.sdk.config import Config
from costspan.sdk.content_keys import is_content, is_event_content
from costspan.sdk.safety import log_once
from costspan.semconv.attributes import json_object
from costspan.semconv.raw_usage import billing_part

Redact = Callable[[str, Any], Any]
"""Given an attribute's key and value, returns what may leave instead, None for nothing."""

RAW_ANSWERS: Final = frozenset({"output.value", "mlflow.spanOutputs", "genkit:output"})
"""Where an emitter keeps the provider's whole answer: the billing details it has nowhere else stay."""


class ContentRule:
    """Drops content; or, where it is `captured`, passes each piece through `redact`."""

    def __init__(self, *, captured: bool = False, redact: Redact | None = None) -> None:
        self._captured = captured
        self._redact = redact

    def attributes(self, said: Mapping[str, AttributeValue], call: Call | None) -> Mapping[str, AttributeValue]:
        """Return `said` without the content it may not keep; the very same mapping where it has none."""
        content = {key: value for key, value in said.items() if is_content(key) and not _is_count(key, value)}
        if not content:
            return said
        kept = {key: value for key, value in said.items() if key not in content}
        for key in content:
            value = self._kept(key, said[key])
            if value is None and call is not None and key in RAW_ANSWERS:
                value = _answer_without_content(said[key], call)
            if value is not None:
                kept[key] = value
        return kept

    def events(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return `events` without the content they may not keep; the very same ones where they have none."""
        if not any(is_event_content(event.name, key) for event in events for key in event.attributes or ()):
            return events
        return tuple(Event(event.name, self._of_event(event), event.timestamp) for event in events)

    def _of_event(self, event: Event) -> Mapping[str, AttributeValue]:
        kept: dict[str, Any] = {}
        for key, value in (event.attributes or {}).items():
            left = self._kept(key, value) if is_event_content(event.name, key) else value
            if left is not None:
                kept[key] = left
        return MappingProxyType(kept)

    def _kept(self, key: str, value: Any) -> Any:
        if not self._captured:
            return None
        if self._redact is None:
            return value
        try:
            return _attribute_value(self._redact(key, value))
        except Exception as error:  # noqa: BLE001 - what cannot be redacted is not sent
            log_once("costspan: the redact function failed; content it fails on is left out", error=error)
            return None


def content_rule(config: Config, redact: Redact | None = None) -> ContentRule:
    """Return what a process was told of content: the argument wins over COSTSPAN_REDACT, which names a function."""
    redact = redact or (_named(config.redact) if config.redact else None)
    return ContentRule(captured=config.capture_content, redact=redact)


def _named(address: str) -> Redact:
    """Return the function at `module:name`, imported when content is first met: by then the program can import it."""

    @cache
    def found() -> Redact:
        try:
            module, _, name = address.partition(":")
            return cast("Redact", getattr(import_module(module), name))
        except Exception as error:  # noqa: BLE001 - any module may stand there
            log_once(f"costspan: COSTSPAN_REDACT={address} cannot be loaded; content is left out", error=error)
            return _nothing

    def redact(key: str, value: Any) -> Any:
        return found()(key, value)

    return redact


def _nothing(_key: str, _value: Any) -> None:
    return None


def _is_count(key: str, value: object) -> bool:
    """Return True for what hand-written wrappers call `llm.tokens.prompt`."""
    return isinstance(value, int | float) and key.startswith("llm.")


def _attribute_value(value: Any) -> AttributeValue | None:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str | bool | int | float) for item in value):
        return tuple(value)
    raise TypeError(f"redact returned {type(value).__name__}, which no attribute holds")


def _answer_without_content(answer: object, call: Call) -> str | None:
    """Return the part of a raw answer that is billed by, so that a server reads the same call from the copy."""
    document = billing_part(json_object(answer) if isinstance(answer, str) else None)
    if not document:
        # Cut off by a limit on attributes; what could be read of it is in the call.
        known = {"id": call.response_id, "model": call.response_model}
        document = {key: value for key, value in known.items() if value}
    return json.dumps(document) if document else None
