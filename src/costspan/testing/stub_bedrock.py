"""The Amazon Bedrock runtime of the stub provider: Converse and InvokeModel of a Claude model, whole and streamed
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html).

Streams are in AWS's event stream encoding: a prelude of two lengths and its CRC-32, headers, a payload, and the CRC-32
of it all (https://smithy.io/2.0/aws/amazon-eventstream.html).
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from zlib import crc32

from costspan.testing.stub_anthropic import message, message_events
from costspan.testing.stub_api import Route, StubAnswer, StubCall, StubUsage, json_answer

_TEXT: Final = "Hello."
_STOP_REASONS: Final = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}
_STRING: Final = 7
"""The type of a header whose value is text."""


def _converse(call: StubCall) -> StubAnswer:
    said = {"role": "assistant", "content": [{"text": _TEXT * call.deltas}]}
    return json_answer({"output": {"message": said}, "stopReason": _stop_reason(call), **_metadata(call.usage)})


def _converse_stream(call: StubCall) -> StubAnswer:
    piece = _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": _TEXT}})
    return _frames(
        [
            _frame("messageStart", {"role": "assistant"}),
            *[piece] * call.deltas,
            _frame("contentBlockStop", {"contentBlockIndex": 0}),
            _frame("messageStop", {"stopReason": _stop_reason(call)}),
            _frame("metadata", _metadata(call.usage)),
        ]
    )


def _invoke(call: StubCall) -> StubAnswer:
    usage = call.usage
    return json_answer(
        message(call),
        X_Amzn_Bedrock_Input_Token_Count=str(usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens),
        X_Amzn_Bedrock_Output_Token_Count=str(usage.output_tokens),
    )


def _invoke_stream(call: StubCall) -> StubAnswer:
    return _frames(_invoke_frames(call))


def _invoke_frames(call: StubCall) -> Iterator[bytes]:
    for event in message_events(call):
        document = event.partition(b"data: ")[2].strip()
        yield _frame("chunk", {"bytes": base64.b64encode(document).decode()})


def _metadata(usage: StubUsage) -> dict[str, Any]:
    """Return what Converse says last: cached and written tokens stand beside the input."""
    counts = {
        "inputTokens": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
        "cacheReadInputTokens": usage.cached_tokens,
        "cacheWriteInputTokens": usage.cache_write_tokens,
    }
    long = usage.cache_write_long_tokens
    lives = (("1h", long), ("5m", usage.cache_write_tokens - long))
    details = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in lives if tokens]
    tier = {"serviceTier": {"type": usage.service_tier}} if usage.service_tier else {}
    return {"usage": counts | {"cacheDetails": details}, "metrics": {"latencyMs": 12}, **tier}


def _stop_reason(call: StubCall) -> str:
    return _STOP_REASONS.get(call.finish_reason, call.finish_reason)


def _frames(frames: Iterable[bytes]) -> StubAnswer:
    return StubAnswer(content_type="application/vnd.amazon.eventstream", events=frames)


def _frame(kind: str, payload: Mapping[str, Any]) -> bytes:
    """Return one event in the encoding of AWS's event streams."""
    body = json.dumps(payload).encode()
    said = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(_header(name, value) for name, value in said.items())
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    begun = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return begun + struct.pack("!I", crc32(begun))


def _header(name: str, value: str) -> bytes:
    said = value.encode()
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(said)) + said


BEDROCK_ROUTES: Final = (
    Route(re.compile(r"/model/(?P<model>[^/]+)/converse$"), _converse),
    Route(re.compile(r"/model/(?P<model>[^/]+)/converse-stream$"), _converse_stream),
    Route(re.compile(r"/model/(?P<model>[^/]+)/invoke$"), _invoke),
    Route(re.compile(r"/model/(?P<model>[^/]+)/invoke-with-response-stream$"), _invoke_stream),
)
