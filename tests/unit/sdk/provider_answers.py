"""Answers of providers as their own client libraries hand them out, and what each costs."""

from __future__ import annotations

import json
from typing import Any

from anthropic.types import Message
from google.genai.types import GenerateContentResponse
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "gpt-5-2025-08-07",
    "service_tier": "flex",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "secret words"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "total_tokens": 1050,
        "prompt_tokens_details": {"cached_tokens": 200, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 0},
    },
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_790_000_000,
    "model": "gpt-5",
    "status": "completed",
    "service_tier": "flex",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 0},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 1050,
    },
}
EMBEDDING: dict[str, Any] = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}],
    "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
}
CLAUDE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "secret words"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_read_input_tokens": 2000,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "service_tier": "standard",
    },
}
GEMINI: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "secret words"}], "role": "model"}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 500,
        "cachedContentTokenCount": 300,
        "candidatesTokenCount": 40,
        "thoughtsTokenCount": 60,
        "totalTokenCount": 600,
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "r1",
}
CONVERSE: dict[str, Any] = {
    "output": {"message": {"role": "assistant", "content": [{"text": "secret words"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 100, "outputTokens": 50, "totalTokens": 1150, "cacheReadInputTokens": 1000},
}
INVOKED: dict[str, Any] = {
    "body": object(),
    "ResponseMetadata": {
        "HTTPHeaders": {
            "x-amzn-bedrock-input-token-count": "100",
            "x-amzn-bedrock-output-token-count": "50",
            "x-amzn-bedrock-cache-read-input-token-count": "1000",
        }
    },
}
SONNET_ON_BEDROCK = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"


ANSWERS: dict[str, tuple[str, str, Any, str]] = {
    # provider, model asked for, answer, cost. gpt-5 on flex is half of: 800 at $1.25, 200 at $0.125, 50 at $10 a
    # million.
    "an OpenAI chat completion": ("openai", "gpt-5", ChatCompletion.model_validate(CHAT), "0.0007625"),
    "its document": ("openai", "gpt-5", CHAT, "0.0007625"),
    "its JSON": ("openai", "gpt-5", json.dumps(CHAT).encode(), "0.0007625"),
    "the last chunk of a stream": (
        "openai",
        "gpt-5",
        ChatCompletionChunk.model_validate(CHAT | {"object": "chat.completion.chunk", "choices": []}),
        "0.0007625",
    ),
    "an OpenAI response": (
        "openai",
        "gpt-5",
        Response.model_validate(RESPONSE),
        "0.0007625",
    ),
    # 1,000 at $0.02 a million
    "an OpenAI embedding": (
        "openai",
        "text-embedding-3-small",
        CreateEmbeddingResponse.model_validate(EMBEDDING),
        "0.00002",
    ),
    # 100 at $3, 50 at $15, 2,000 at $0.30, 100 at $3.75, 200 at $6 a million; 2 searches at $10 a thousand
    "an Anthropic message": ("anthropic", "claude-sonnet-4-5", Message.model_validate(CLAUDE), "0.023225"),
    "its document from InvokeModel": (
        "aws.bedrock",
        SONNET_ON_BEDROCK,
        CLAUDE | {"usage": {**CLAUDE["usage"], "server_tool_use": None}},
        "0.003225",
    ),
    # 200 at $0.30, 300 at $0.03, 100 at $2.50 a million
    "a Gemini answer": (
        "gcp.gemini",
        "gemini-2.5-flash",
        GenerateContentResponse.model_validate(GEMINI),
        "0.000319",
    ),
    "its document, too": ("gcp.gemini", "gemini-2.5-flash", GEMINI, "0.000319"),
    # 100 at $3, 1,000 at $0.30, 50 at $15 a million
    "a Converse answer of Bedrock": ("aws.bedrock", SONNET_ON_BEDROCK, CONVERSE, "0.00135"),
    "the headers of InvokeModel": ("aws.bedrock", SONNET_ON_BEDROCK, INVOKED, "0.00135"),
}
