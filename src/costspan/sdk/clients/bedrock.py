"""Amazon Bedrock through boto3: Converse and InvokeModel, plain and streamed.

The official instrumentation reads the counts, not for how long a cache was written nor the tier that served. Both are
read below it, in `BaseClient._make_request`, through which every call goes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from opentelemetry.sdk.trace import Span

from costspan.sdk import attribute_names as names
from costspan.sdk.clients.client import Client, Method
from costspan.sdk.clients.usage_attributes import usage_attributes
from costspan.sdk.config import Config
from costspan.sdk.current_call import current_call
from costspan.sdk.replaced_method import replace_method
from costspan.sdk.safety import never_raise
from costspan.sdk.watched_stream import StreamWatch


def _complete(_config: Config) -> None:
    replace_method(import_module("botocore.client").BaseClient, "_make_request", _make_request)


def _make_request(method: Callable[..., Any]) -> Callable[..., Any]:
    def make(client: Any, operation_model: Any, *args: Any) -> Any:
        http, answer = method(client, operation_model, *args)
        if operation_model.name in _READERS and (call := current_call()):
            _read(call, operation_model.name, http, answer)
        return http, answer

    return make


@never_raise(None)
def _read(call: Span, operation_name: str, http: Any, answer: Any) -> None:
    if retries := answer.get("ResponseMetadata", {}).get("RetryAttempts"):
        call.set_attribute(names.ATTEMPT, retries + 1)
    if http.status_code == _OK:
        _READERS[operation_name](call, answer)


def _read_converse(call: Span, answer: Any) -> None:
    call.set_attributes(usage_attributes({**answer["usage"], "serviceTier": answer.get("serviceTier")}))


def _read_invoked(call: Span, answer: Any) -> None:
    """Read the body, which is in the words of the model's maker, and give it back as it was."""
    body = answer["body"].read()
    answer["body"] = import_module("botocore.response").StreamingBody(io.BytesIO(body), len(body))
    if b'"usage"' in body:
        call.set_attributes(usage_attributes({**json.loads(body)["usage"], "serviceTier": answer.get("serviceTier")}))


def _watch_converse(call: Span, answer: Any) -> None:
    def look(event: Any) -> None:
        watch.pieces += "contentBlockDelta" in event
        if "metadata" in event:
            watch.usage_known = watch.whole = True
            _read_converse(call, event["metadata"])

    watch = StreamWatch(call)
    _let_see(answer["stream"], look)


def _watch_invoked(call: Span, answer: Any) -> None:
    def look(event: Any) -> None:
        """See the events of the Messages API; other makers' models say their counts in the last one."""
        said = json.loads(event["chunk"]["bytes"])
        kind = said.get("type")
        watch.pieces += kind == "content_block_delta"
        watch.usage_known = watch.usage_known or kind == "message_delta" or _METRICS in said
        watch.whole = watch.whole or kind == "message_stop" or _METRICS in said
        call.set_attributes(usage_attributes(said.get("usage") or said.get("message", {}).get("usage") or {}))

    watch = StreamWatch(call)
    _let_see(answer["body"], look)


def _let_see(stream: Any, look: Callable[[Any], None]) -> None:
    """Let `look` see every event of a stream, which stays what it is: others ask for its type."""
    parse = stream._parse_event

    def parsed(raw: Any) -> Any:
        event = parse(raw)
        if event:
            never_raise(None)(look)(event)
        return event

    stream._parse_event = parsed


_OK: Final = 200
_METRICS: Final = "amazon-bedrock-invocationMetrics"
_READERS: Final[Mapping[str, Callable[[Span, Any], None]]] = {
    "Converse": _read_converse,
    "ConverseStream": _watch_converse,
    "InvokeModel": _read_invoked,
    "InvokeModelWithResponseStream": _watch_invoked,
}

BEDROCK: Final = Client(
    name="boto3 (Bedrock)",
    imported="botocore",
    package="opentelemetry-instrumentation-genai-bedrock",
    module="opentelemetry.instrumentation.genai.bedrock",
    instrumentor="BedrockInstrumentor",
    extra="costspan[bedrock]",
    wrapped=Method(module="botocore.client", owner="BaseClient", name="_make_api_call"),
    complete=_complete,
)
