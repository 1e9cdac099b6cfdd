"""OpenAI: chat completions, Responses, embeddings; plain, async and streamed.

The official instrumentation reads an answer's usage, not the times for which the cache was written nor the web
searches; a streamed chat has no usage to read unless it was asked for. Both are done in `OpenAI.request`, through which
every call goes, below the instrumentation and whichever that is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

from opentelemetry.sdk.trace import Span

from costspan.sdk import attribute_names as names
from costspan.sdk.clients.client import Client, Method
from costspan.sdk.clients.openai_answers import attributes_of, look_at_responses
from costspan.sdk.clients.openai_chat_stream import watched_chat, watched_chat_async
from costspan.sdk.config import Config
from costspan.sdk.current_call import current_call, instrumentation_data
from costspan.sdk.replaced_method import replace_method
from costspan.sdk.safety import log_once, never_raise
from costspan.sdk.watched_stream import StreamWatch, watched, watched_async

_RAW: Final = "X-Stainless-Raw-Response"
_REFUSALS: Final = frozenset({400, 422})
_NOT_ASKED: Final = "costspan: a stream's usage could not be asked for"
_UNREAD: Final = "costspan: an answer could not be read and was passed on"
_UNWATCHED: Final = "costspan: a stream could not be watched and was passed on"


class _UsageRequest:
    """Asks for the usage of streamed chats where the caller did not say, and takes no for an answer.

    Endpoints that only resemble OpenAI's may refuse `stream_options`; each is asked once. A caller who reads the raw
    response is left alone: its bytes would show what was added.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._refused_by: set[str] = set()

    def add_to(self, client: Any, options: Any) -> bool:
        try:
            body = options.json_data
            if not self._wanted or not isinstance(body, dict) or "stream_options" in body or not body.get("stream"):
                return False
            if "stream_options" in (options.extra_json or {}) or not options.url.endswith("/chat/completions"):
                return False
            if _raw(options) or str(client.base_url) in self._refused_by:
                return False
            options.json_data = {**body, "stream_options": {"include_usage": True}}
        except Exception as error:  # noqa: BLE001 - telemetry must never break its host
            log_once(_NOT_ASKED, error=error)
            return False
        return True

    @never_raise(False)
    def refused(self, client: Any, options: Any, error: Exception) -> bool:
        """Return True, with the request as the caller made it, where that was what the endpoint did not like."""
        if getattr(error, "status_code", None) not in _REFUSALS or "stream_options" not in str(error):
            return False
        self._refused_by.add(str(client.base_url))
        options.json_data = {key: value for key, value in options.json_data.items() if key != "stream_options"}
        return True


def _complete(config: Config) -> None:
    openai = import_module("openai")
    usage = _UsageRequest(wanted=config.include_usage)
    replace_method(openai.OpenAI, "request", lambda method: _request(method, usage))
    replace_method(openai.AsyncOpenAI, "request", lambda method: _async_request(method, usage))
    replace_method(openai.OpenAI, "_sleep_for_retry", _before_retry)
    replace_method(openai.AsyncOpenAI, "_sleep_for_retry", _before_retry)


def _request(method: Callable[..., Any], usage: _UsageRequest) -> Callable[..., Any]:
    def request(client: Any, cast_to: Any, options: Any, **how: Any) -> Any:
        call = current_call() if how.get("stream") else None
        if call is None:
            answer = method(client, cast_to, options, **how)
            _read(answer, options)
            return answer
        asked = usage.add_to(client, options)
        try:
            answer = method(client, cast_to, options, **how)
        except Exception as error:
            if not asked or not usage.refused(client, options, error):
                raise
            asked = False
            answer = method(client, cast_to, options, **how)
        _watch(call, answer, options, asked=asked)
        return answer

    return request


def _async_request(method: Callable[..., Any], usage: _UsageRequest) -> Callable[..., Any]:
    async def request(client: Any, cast_to: Any, options: Any, **how: Any) -> Any:
        call = current_call() if how.get("stream") else None
        if call is None:
            answer = await method(client, cast_to, options, **how)
            _read(answer, options)
            return answer
        asked = usage.add_to(client, options)
        try:
            answer = await method(client, cast_to, options, **how)
        except Exception as error:
            if not asked or not usage.refused(client, options, error):
                raise
            asked = False
            answer = await method(client, cast_to, options, **how)
        _watch(call, answer, options, asked=asked)
        return answer

    return request


def _before_retry(method: Callable[..., Any]) -> Callable[..., Any]:
    def sleep(*args: Any, **how: Any) -> Any:  # what it returns may have to be awaited
        _note_retry()
        return method(*args, **how)

    return sleep


@never_raise(None)
def _note_retry() -> None:
    """Count a retry on the span, whose first request may itself be a later attempt of the program's own."""
    if call := current_call():
        made = (call.attributes or {}).get(names.ATTEMPT)
        call.set_attribute(names.ATTEMPT, (made if isinstance(made, int) else 1) + 1)


@never_raise(None)
def _read(answer: Any, options: Any) -> None:
    """Put on the call's span what a whole answer says beyond what the instrumentation reads: mostly nothing, so that
    the span is looked for last."""
    if _raw(options) == "true":  # with_streaming_response says "stream": its body is the caller's to read
        if call := current_call():
            call.set_attributes(attributes_of(answer.parse()))
    elif (found := attributes_of(answer)) and (call := current_call()):
        call.set_attributes(found)


def _watch(call: Span, stream: Any, options: Any, *, asked: bool) -> None:
    """Watch the stream that will say it, or the one that a raw response becomes."""
    try:
        chunks = getattr(stream, "_iterator", None)
        if chunks is None:
            if _raw(options) == "true":
                _once_parsed(stream, partial(_watch, call, options=options, asked=asked))
            return
        waits, seen = hasattr(chunks, "__anext__"), StreamWatch(call)
        if options.url.endswith("/responses"):
            stream._iterator = (watched_async if waits else watched)(chunks, look_at_responses(seen), seen)
            return
        choices, data = options.json_data.get("n") or 1, instrumentation_data() if asked else None
        stream._iterator = (watched_chat_async if waits else watched_chat)(chunks, seen, choices, asked, data)
    except Exception as error:  # noqa: BLE001 - as above
        log_once(_UNWATCHED, error=error)


def _raw(options: Any) -> Any:
    """Return how the caller wants to read the response itself, None where an answer is wanted."""
    return options.headers.get(_RAW) if isinstance(options.headers, dict) else None


def _once_parsed(answer: Any, watch: Callable[[Any], None]) -> None:
    """Let `watch`, which never raises, see the stream a raw response becomes when its reader asks for it, and is given
    again after that."""
    parse, known = answer.parse, None

    def parsed(*args: Any, **kwargs: Any) -> Any:
        nonlocal known
        stream = parse(*args, **kwargs)
        if stream is not known and hasattr(stream, "_iterator"):
            watch(stream)
            known = stream
        return stream

    answer.parse = parsed


OPENAI: Final = Client(
    name="openai",
    imported="openai",
    package="opentelemetry-instrumentation-genai-openai",
    module="opentelemetry.instrumentation.genai.openai",
    instrumentor="OpenAIInstrumentor",
    extra="costspan[openai]",
    wrapped=Method(module="openai.resources.chat.completions", owner="Completions", name="create"),
    complete=_complete,
)
