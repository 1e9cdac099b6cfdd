"""Every way Bedrock is called through boto3: one function a mode. Run by `golden.capture` in a process of its own."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from costspan.testing.stub_provider import StubProvider, StubUsage

USAGE = StubUsage(
    input_tokens=1350, cached_tokens=1000, cache_write_tokens=300, cache_write_long_tokens=100, output_tokens=77
)
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ASKED: Any = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "secret words"}]}]}
INVOKED: Any = {
    "modelId": MODEL,
    "body": json.dumps({"max_tokens": 64, "messages": [{"role": "user", "content": "secret words"}]}),
}

stub = StubProvider()


def client(attempts: int = 1) -> Any:
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=stub.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


def bedrock_conversed() -> None:
    client().converse(**ASKED)


def bedrock_conversed_on_a_tier() -> None:
    stub.usage = replace(USAGE, service_tier="flex")
    client().converse(**ASKED)


def bedrock_conversed_and_truncated() -> None:
    stub.finish_reason = "length"
    client().converse(**ASKED)


def bedrock_conversed_and_refused() -> None:
    stub.rate_limited = 1
    with contextlib.suppress(ClientError):
        client().converse(**ASKED)


def bedrock_conversed_and_retried() -> None:
    stub.rate_limited = 1
    client(attempts=2).converse(**ASKED)


def bedrock_streamed() -> None:
    for _ in client().converse_stream(**ASKED)["stream"]:
        pass


def bedrock_streamed_and_aborted() -> None:
    stub.deltas = 5
    stream = client().converse_stream(**ASKED)["stream"]
    for _, _ in zip(range(4), stream, strict=False):
        pass
    stream.close()


def bedrock_invoked() -> None:
    answer = json.loads(client().invoke_model(**INVOKED)["body"].read())
    assert answer["usage"]["output_tokens"] == 77


def bedrock_invoked_and_streamed() -> None:
    events = list(client().invoke_model_with_response_stream(**INVOKED)["body"])
    assert json.loads(events[-1]["chunk"]["bytes"])["type"] == "message_stop"


MODES = tuple(mode for name, mode in list(globals().items()) if name.startswith("bedrock_"))
