"""Our instrumentation of google-genai: one span for each request to a model, in the words of the conventions, with the
metrics of the official instrumentations and like them inside a framework's span where there is one.

Wraps the methods that make one request each, beneath the public ones: `generate_content` makes several where it calls
the caller's functions or is told to continue, each is billed, and the answer holds the usage of the last alone.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.trace import TracerProvider
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.invocation import EmbeddingInvocation, InferenceInvocation
from opentelemetry.util.genai.stream import AsyncStreamWrapper, SyncStreamWrapper

from costspan.sdk.clients.usage_attributes import usage_attributes
from costspan.sdk.current_call import current_call
from costspan.sdk.safety import never_raise
from costspan.sdk.watched_stream import StreamWatch, watched, watched_async

SCOPE: Final = "costspan.google_genai"

_REQUESTED: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_output_tokens": "max_tokens",
    "candidate_count": "request_choice_count",
    "stop_sequences": "stop_sequences",
    "seed": "seed",
}
"""Field of the request's configuration -> field of the invocation."""


def instrument(provider: TracerProvider) -> None:
    """Make every request of every client, those that exist included, a span of `provider`."""
    handler = TelemetryHandler(tracer_provider=provider, instrumentation_scope_name=SCOPE)
    models = import_module("google.genai.models")
    plain, asynchronous = models.Models, models.AsyncModels
    plain._generate_content = _generating(handler, plain._generate_content)
    plain._generate_content_stream = _streaming(handler, plain._generate_content_stream)
    plain._embed_content = _embedding(handler, plain._embed_content)
    asynchronous._generate_content = _generating_async(handler, asynchronous._generate_content)
    asynchronous._generate_content_stream = _streaming_async(handler, asynchronous._generate_content_stream)
    asynchronous._embed_content = _embedding_async(handler, asynchronous._embed_content)


def _generating(handler: TelemetryHandler, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def generating(asked: Any, **request: Any) -> Any:
        with _inference(handler, asked, request) as invocation:
            answer = method(asked, **request)
            _tell(invocation, answer)
            return answer

    return generating


def _generating_async(handler: TelemetryHandler, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def generating(asked: Any, **request: Any) -> Any:
        with _inference(handler, asked, request) as invocation:
            answer = await method(asked, **request)
            _tell(invocation, answer)
            return answer

    return generating


def _streaming(handler: TelemetryHandler, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def streaming(asked: Any, **request: Any) -> Iterator[Any]:
        invocation = _inference(handler, asked, request)
        stream = _Stream(_watched(method(asked, **request), watched), invocation)
        invocation.suspend()
        return stream

    return streaming


def _streaming_async(handler: TelemetryHandler, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def streaming(asked: Any, **request: Any) -> AsyncIterator[Any]:
        invocation = _inference(handler, asked, request)
        try:
            stream = _AsyncStream(_watched(await method(asked, **request), watched_async), invocation)
        except BaseException as error:
            invocation.fail(error)
            raise
        invocation.suspend()
        return stream

    return streaming


def _embedding(handler: TelemetryHandler, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def embedding(asked: Any, **request: Any) -> Any:
        with handler.embedding(request_model=request["model"], **_server(asked)) as invocation:
            answer = method(asked, **request)
            _tell_embedding(invocation, answer)
            return answer

    return embedding


def _embedding_async(handler: TelemetryHandler, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def embedding(asked: Any, **request: Any) -> Any:
        with handler.embedding(request_model=request["model"], **_server(asked)) as invocation:
            answer = await method(asked, **request)
            _tell_embedding(invocation, answer)
            return answer

    return embedding


class _Stream(SyncStreamWrapper[Any]):
    _self_invocation: InferenceInvocation

    def _process_chunk(self, chunk: Any) -> None:
        _tell(self._self_invocation, chunk)

    def _on_stream_end(self) -> None:
        self._self_invocation.stop()

    def _on_stream_error(self, error: BaseException) -> None:
        self._self_invocation.fail(error)


class _AsyncStream(AsyncStreamWrapper[Any]):
    _self_invocation: InferenceInvocation

    def _process_chunk(self, chunk: Any) -> None:
        _tell(self._self_invocation, chunk)

    def _on_stream_end(self) -> None:
        self._self_invocation.stop()

    def _on_stream_error(self, error: BaseException) -> None:
        self._self_invocation.fail(error)


def _watched(chunks: Any, kind: Callable[..., Any]) -> Any:
    """Return the chunks, seen on their way. Each counts what there is so far, and the last one everything."""

    def look(chunk: Any) -> None:
        answered = chunk.usage_metadata.candidates_token_count if chunk.usage_metadata else None
        watch.pieces = max(watch.pieces + bool(chunk.candidates), answered or 0)
        watch.usage_known = any(candidate.finish_reason for candidate in chunk.candidates or ())

    call = current_call()
    if call is None:
        return chunks
    watch = StreamWatch(call)
    return kind(chunks, look, watch)


def _inference(handler: TelemetryHandler, asked: Any, request: dict[str, Any]) -> InferenceInvocation:
    invocation = handler.inference(
        request_model=request["model"],
        operation_name="generate_content",
        error_type_resolver=_error_type,
        **_server(asked),
    )
    config = request.get("config")
    for field, named in _REQUESTED.items():
        value = config.get(field) if isinstance(config, dict) else getattr(config, field, None)
        if value is not None:
            setattr(invocation, named, value)
    return invocation


def _server(asked: Any) -> dict[str, Any]:
    client = asked._api_client
    place = urlsplit(client._http_options.base_url or "")
    provider = "gcp.vertex_ai" if client.vertexai else "gcp.gemini"
    return {"provider": provider, "server_address": place.hostname, "server_port": place.port}


def _error_type(error: BaseException) -> str | None:
    """Return the HTTP status, which tells more than the client's two kinds of errors; None to name the kind."""
    status = getattr(error, "code", None)
    return str(status) if isinstance(status, int) else None


@never_raise(None)
def _tell(invocation: InferenceInvocation, answer: Any) -> None:
    """Put what an answer, or the part of one that a chunk is, says of itself on the call."""
    invocation.response_id = answer.response_id or invocation.response_id
    invocation.response_model_name = answer.model_version or invocation.response_model_name
    reasons = [each.finish_reason.value.lower() for each in answer.candidates or () if each.finish_reason]
    invocation.finish_reasons = reasons or invocation.finish_reasons
    if usage := answer.usage_metadata:
        _count(invocation, usage)


def _count(invocation: InferenceInvocation, usage: Any) -> None:
    """Count as the conventions do: input with the results of tools, output with thoughts, both beside in Gemini's."""
    invocation.input_tokens = (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0)
    invocation.cache_read_input_tokens = usage.cached_content_token_count
    if usage.candidates_token_count is not None or usage.thoughts_token_count is not None:
        invocation.output_tokens = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    invocation.thinking_tokens = usage.thoughts_token_count
    invocation.set_input_tokens(_modalities(usage.prompt_tokens_details))
    invocation.set_output_tokens(_modalities(usage.candidates_tokens_details))
    invocation.set_cache_read_input_tokens(_modalities(usage.cache_tokens_details))
    if call := current_call():
        call.set_attributes(usage_attributes(usage.model_dump(mode="json", exclude_none=True)))


def _modalities(details: Any) -> list[tuple[Any, int | None]] | None:
    return None if details is None else [(each.modality, each.token_count) for each in details]


@never_raise(None)
def _tell_embedding(invocation: EmbeddingInvocation, answer: Any) -> None:
    vectors = answer.embeddings or ()
    if vectors and vectors[0].values:
        invocation.dimension_count = len(vectors[0].values)
    if answer.usage_metadata:
        invocation.input_tokens = answer.usage_metadata.prompt_token_count
    elif vectors and all(each.statistics for each in vectors):
        invocation.input_tokens = int(sum(each.statistics.token_count or 0 for each in vectors))
