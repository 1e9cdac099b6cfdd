"""The model clients the SDK instruments: one file each, and this list. A new client is a new file and a line here."""

from __future__ import annotations

from typing import Final

from costspan.sdk.clients.anthropic import ANTHROPIC
from costspan.sdk.clients.bedrock import BEDROCK
from costspan.sdk.clients.client import Client
from costspan.sdk.clients.google_genai import GOOGLE_GENAI
from costspan.sdk.clients.langchain import LANGCHAIN
from costspan.sdk.clients.openai import OPENAI

CLIENTS: Final[tuple[Client, ...]] = (OPENAI, ANTHROPIC, GOOGLE_GENAI, BEDROCK, LANGCHAIN)
