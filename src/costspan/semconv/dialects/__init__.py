"""The list of dialects. Order is the order of detection: the narrowest first, the specification last."""

from __future__ import annotations

from typing import Final

from costspan.semconv.dialects.agent_framework import AgentFramework
from costspan.semconv.dialects.anthropic_sdk import AnthropicSdk
from costspan.semconv.dialects.bedrock import Bedrock
from costspan.semconv.dialects.claude_code import ClaudeCode
from costspan.semconv.dialects.codex import Codex
from costspan.semconv.dialects.copilot import Copilot
from costspan.semconv.dialects.cursor import Cursor
from costspan.semconv.dialects.detection import Dialects
from costspan.semconv.dialects.gemini_cli import GeminiCli
from costspan.semconv.dialects.genkit import Genkit
from costspan.semconv.dialects.google_adk import GoogleAdk
from costspan.semconv.dialects.google_genai import GoogleGenAI
from costspan.semconv.dialects.imported import Imported
from costspan.semconv.dialects.laminar import Laminar
from costspan.semconv.dialects.langchain import LangChain
from costspan.semconv.dialects.langfuse import Langfuse
from costspan.semconv.dialects.litellm import LiteLLM
from costspan.semconv.dialects.litellm_legacy import LiteLLMLegacy
from costspan.semconv.dialects.livekit import LiveKit
from costspan.semconv.dialects.mlflow import MLflow
from costspan.semconv.dialects.openai_agents import OpenAIAgents
from costspan.semconv.dialects.opencode import OpenCode
from costspan.semconv.dialects.openinference import OpenInference
from costspan.semconv.dialects.openlit import OpenLit
from costspan.semconv.dialects.openllmetry import OpenLLMetry
from costspan.semconv.dialects.openrouter import OpenRouter
from costspan.semconv.dialects.otel_genai import OtelGenAI
from costspan.semconv.dialects.otel_genai_legacy import OtelGenAILegacy
from costspan.semconv.dialects.plain import Plain
from costspan.semconv.dialects.pydantic_ai import PydanticAI
from costspan.semconv.dialects.semantic_kernel import SemanticKernel
from costspan.semconv.dialects.sentry import Sentry
from costspan.semconv.dialects.spring_ai import SpringAI
from costspan.semconv.dialects.strands import Strands
from costspan.semconv.dialects.tracked import Tracked
from costspan.semconv.dialects.vercel_ai import VercelAI
from costspan.semconv.dialects.vercel_otel import VercelOtel

DIALECTS: Final = Dialects(
    (
        OpenInference(),
        ClaudeCode(),
        Codex(),
        GeminiCli(),
        Copilot(),
        Cursor(),
        OpenCode(),
        AnthropicSdk(),
        OpenLit(),
        PydanticAI(),
        VercelAI(),
        VercelOtel(),
        LiteLLM(),
        LiteLLMLegacy(),
        Strands(),
        AgentFramework(),
        SemanticKernel(),
        GoogleAdk(),
        Langfuse(),
        MLflow(),
        Genkit(),
        LiveKit(),
        Laminar(),
        OpenRouter(),
        GoogleGenAI(),
        Bedrock(),
        LangChain(),
        OpenAIAgents(),
        OpenLLMetry(),
        SpringAI(),
        Sentry(),
        Tracked(),
        Imported(),
        OtelGenAILegacy(),
        OtelGenAI(),
        Plain(),
    )
)

MARKERS: Final = DIALECTS.markers
"""A span without any of these byte strings is no model call and is not parsed."""
