"""Puts the methods of a model client under a budget: each call is admitted, or refused, before it is made.

The methods are set on the client's own objects, by the paths its users write, so a class, another client and whatever
instruments them are left as they are, and the budget stands outside of the instrumentation.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from opentelemetry.context import attach, detach

from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.pricing.price_call import price_usage
from costspan.pricing.quote import default_card
from costspan.sdk.budgets.account import Reservation
from costspan.sdk.budgets.admission import Policy, admit, in_force
from costspan.sdk.budgets.estimate import Ask
from costspan.sdk.provider_response import read_response
from costspan.sdk.safety import never_raise
from costspan.semconv.conventions import split

C = TypeVar("C")
Method = Callable[..., Any]

_OPENAI: Final = (
    "chat.completions.create",
    "chat.completions.parse",
    "beta.chat.completions.create",
    "beta.chat.completions.parse",
    "completions.create",
    "responses.create",
    "responses.parse",
    "embeddings.create",
    "images.generate",
    "images.edit",
    "audio.speech.create",
    "audio.transcriptions.create",
    "audio.translations.create",
)
_ANTHROPIC: Final = (
    "messages.create",
    "messages.parse",
    "messages.stream",
    "beta.messages.create",
    "beta.messages.parse",
    "beta.messages.stream",
)
_GEMINI: Final = tuple(
    f"{models}.{method}"
    for models in ("models", "aio.models")
    for method in ("generate_content", "generate_content_stream", "embed_content", "generate_images", "edit_image")
)
_BEDROCK: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
METHODS: Final = _OPENAI + _ANTHROPIC + _GEMINI + _BEDROCK
"""Paths to what calls a model. What of them streams or parses by another one of them is admitted by that one."""

_MODEL_NAMES: Final = ("modelId", "model")
_MOST_OUTPUT: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxTokens")
_OPTIONS: Final = ("config", "inferenceConfig")
_PROMPTS: Final = ("messages", "input", "contents", "system", "instructions", "prompt", "tools")
_NO_TEXT: Final = frozenset({"data", "url", "image_url", "file_data", "bytes", "b64_json"})
_CHARACTERS_PER_TOKEN: Final = 3
"""English has about four (OpenAI's rule of thumb), other languages fewer: rather reserve too much."""


def guarded(client: C, policy: Policy) -> C:
    """Return `client` with every method of `METHODS` it has under `policy`. Raise UsageError where it has none."""
    found = list(_methods(client))
    if not found:
        raise UsageError(f"{type(client).__name__} has no method that calls a model; known: {', '.join(METHODS)}")
    for owner, name, method in found:
        setattr(owner, name, _guarded(method, policy))
    return client


def ask_of(arguments: Mapping[str, Any]) -> Ask:
    """Return what a request says of the call it asks for."""
    options = next((arguments[name] for name in _OPTIONS if arguments.get(name) is not None), None)
    output = (_number(_get(holder, name)) for holder in (arguments, options) for name in _MOST_OUTPUT)
    characters = sum(_characters(arguments[name]) for name in _PROMPTS if name in arguments)
    return Ask(
        model=next((str(arguments[name]) for name in _MODEL_NAMES if arguments.get(name)), None),
        input_tokens=-(-characters // _CHARACTERS_PER_TOKEN) if characters else None,
        output_tokens=next((number for number in output if number is not None), None),
    )


def _methods(client: object) -> Iterator[tuple[object, str, Method]]:
    for path in METHODS:
        *above, name = path.split(".")
        owner: object = client
        for step in above:
            owner = getattr(owner, step, None)
        method = getattr(owner, name, None)
        if callable(method):
            yield owner, name, method


def _guarded(method: Method, policy: Policy) -> Method:
    @functools.wraps(method)
    def plain(*args: Any, **kwargs: Any) -> Any:
        with _admitted(policy, kwargs) as (arguments, answered):
            response = method(*args, **arguments)
            answered(response)
            return response

    @functools.wraps(method)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        if policy.account.awaits_verdict:
            await asyncio.to_thread(policy.account.wait)
        with _admitted(policy, kwargs) as (arguments, answered):
            response = await method(*args, **arguments)
            answered(response)
            return response

    # A client's own decorators hide the coroutine function from `inspect`, but not from who unwraps them.
    return coroutine if inspect.iscoroutinefunction(inspect.unwrap(method)) else plain


@contextmanager
def _admitted(policy: Policy, kwargs: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Callable[[object], None]]]:
    ask = never_raise(Ask())(ask_of)(kwargs)
    admission = admit((*in_force(), policy), ask)
    answers: list[object] = []
    token = attach(admission.context)
    try:
        yield _degraded(kwargs, admission.answer), answers.append
    finally:
        detach(token)
        admission.close(lambda reservation: _unheard(answers, ask, reservation))


def _degraded(kwargs: dict[str, Any], answer: object) -> dict[str, Any]:
    """Return the request for the model that the application's `on_exceeded` named, if it did."""
    if not isinstance(answer, str) or not answer:
        return kwargs
    return kwargs | {("modelId" if "modelId" in kwargs else "model"): answer}


def _unheard(answers: list[object], ask: Ask, reservation: Reservation) -> int:
    """Return what to book for a call that no span told of: what its answer says, else what was expected of it."""
    if not answers:
        return 0
    cost = _cost_of(answers[0], ask)
    return reservation.estimate if cost is None else cost


@never_raise(None)
def _cost_of(response: object, ask: Ask) -> int | None:
    answer = read_response(response)
    if answer is None or answer.usage is None:
        return None
    usage = split(answer.usage.counts, answer.usage.convention).usage
    models = [name for name in (answer.model, ask.model) if name]
    return price_usage(default_card(), usage, provider=None, models=models, at=system_clock()).cost if usage else None


def _characters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_characters(item) for name, item in value.items() if name not in _NO_TEXT)
    return sum(map(_characters, value)) if isinstance(value, list | tuple) else 0


def _get(holder: object, name: str) -> object:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
