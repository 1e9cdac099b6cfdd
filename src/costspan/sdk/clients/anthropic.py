"""Anthropic: messages and beta messages; plain, async and streamed.

The SDK makes spans of its own since 1.14, beneath the official instrumentation's: two spans of one call. The official
one is kept and told what only the other knew (docs/decisions/0008-one-span-for-each-client-call.md), below it in
`request`, through which every call of every client of the SDK goes.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Final

from opentelemetry.sdk.trace import Span

from costspan.sdk import attribute_names as names
from costspan.sdk.clients.client import Client, Method
from costspan.sdk.clients.usage_attributes import usage_attributes
from costspan.sdk.config import Config
from costspan.sdk.current_call import current_call
from costspan.sdk.replaced_method import replace_method
from costspan.sdk.safety import never_raise
from costspan.sdk.watched_stream import Look, StreamWatch, watched, watched_async

_OFFICIAL: Final = "opentelemetry.instrumentation.genai.anthropic"
_OWN_SPANS: Final = "ANTHROPIC_OPEN_TELEMETRY"
_OWN_SPANS_SINCE: Final = (1, 14)


def makes_spans(version_installed: str) -> bool:
    """Return True when this version of the SDK makes spans of its own and nobody has switched them off."""
    major, minor, *_ = version_installed.split(".")
    return (int(major), int(minor)) >= _OWN_SPANS_SINCE and os.environ.get(_OWN_SPANS, "").lower() != "false"


def _complete(_config: Config) -> None:
    if find_spec(_OFFICIAL):
        os.environ.setdefault(_OWN_SPANS, "false")
    client = import_module("anthropic._base_client")
    replace_method(client.SyncAPIClient, "request", _request)
    replace_method(client.AsyncAPIClient, "request", _async_request)
    replace_method(client.BaseClient, "_build_request", _build_request)


def _request(method: Callable[..., Any]) -> Callable[..., Any]:
    def request(*args: Any, **how: Any) -> Any:
        answer = method(*args, **how)
        if call := current_call():
            _read(call, answer)
        return answer

    return request


def _async_request(method: Callable[..., Any]) -> Callable[..., Any]:
    async def request(*args: Any, **how: Any) -> Any:
        answer = await method(*args, **how)
        if call := current_call():
            _read(call, answer)
        return answer

    return request


def _build_request(method: Callable[..., Any]) -> Callable[..., Any]:
    def build(*args: Any, **how: Any) -> Any:
        if how.get("retries_taken") and (call := current_call()):
            call.set_attribute(names.ATTEMPT, how["retries_taken"] + 1)
        return method(*args, **how)

    return build


@never_raise(None)
def _read(call: Span, answer: Any) -> None:
    """Put on the span what a message says, or watch the stream that will say it.

    What `with_streaming_response` returns is left to its reader."""
    if hasattr(answer, "_iterator"):
        watch = StreamWatch(call)
        seen = watched_async if hasattr(answer, "__anext__") else watched
        answer._iterator = seen(answer._iterator, _look_at(watch), watch)
    elif hasattr(answer, "usage"):
        call.set_attributes(usage_attributes(answer.usage.to_dict()))
    elif hasattr(answer, "parse") and answer.is_closed and not inspect.iscoroutinefunction(answer.parse):
        _read(call, answer.parse())


def _look_at(watch: StreamWatch) -> Look:
    """Return who sees the events. Input is counted in the first, output in the last but one."""

    deltas = 0

    def look(event: Any) -> None:
        nonlocal deltas
        match event.type:
            case "message_start":
                watch.pieces = event.message.usage.output_tokens
                watch.span.set_attributes(usage_attributes(event.message.usage.to_dict()))
            case "content_block_delta":
                deltas += 1
                watch.pieces = max(watch.pieces, deltas)
            case "message_delta":
                watch.usage_known = True
                watch.span.set_attributes(usage_attributes(event.usage.to_dict()))
            case "message_stop":
                watch.whole = True

    return look


ANTHROPIC: Final = Client(
    name="anthropic",
    imported="anthropic",
    package="opentelemetry-instrumentation-genai-anthropic",
    module=_OFFICIAL,
    instrumentor="AnthropicInstrumentor",
    extra="costspan[anthropic]",
    wrapped=Method(module="anthropic.resources.messages.messages", owner="Messages", name="create"),
    tells_by_itself=lambda: makes_spans(version("anthropic")),
    complete=_complete,
)
