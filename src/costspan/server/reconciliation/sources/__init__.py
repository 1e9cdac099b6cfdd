"""Where bills come from. A new source is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from costspan.server.reconciliation.sources.anthropic import ANTHROPIC
from costspan.server.reconciliation.sources.base import ApiSource, FileSource
from costspan.server.reconciliation.sources.files import AWS_CUR, FOCUS, GOOGLE_BILLING
from costspan.server.reconciliation.sources.openai import OPENAI
from costspan.server.reconciliation.sources.openrouter import OPENROUTER

API_SOURCES: Final[Mapping[str, ApiSource]] = MappingProxyType(
    {source.provider: source for source in (OPENAI, ANTHROPIC, OPENROUTER)}
)
"""Providers that tell their bill over HTTP."""
FILE_SOURCES: Final[Mapping[str, FileSource]] = MappingProxyType(
    {source.form.name: source for source in (FOCUS, AWS_CUR, GOOGLE_BILLING)}
)
"""Forms of billing exports; a file is read by the first that knows its columns."""
