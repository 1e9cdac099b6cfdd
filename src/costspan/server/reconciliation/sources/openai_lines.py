"""Names of the line items of OpenAI's cost report. The grammar is not published: what is not known here is shown.

Seen forms: `gpt-5-2025-08-07, input`, `gpt-6-astra, input_tokens`, `gpt-4o, cached input`, `gpt-5 batch, output`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from costspan.core.units import Unit
from costspan.server.reconciliation.bill import Kind

_MODES: Final = ("batch", "flex", "priority", "ultrafast", "fast")
_MODEL_LINE: Final = re.compile(
    r"(?P<model>[^,]+?)(?: (?:api )?(?P<mode>batch|flex|priority))?, (?P<what>.+)", re.IGNORECASE
)
_BARE_MODEL: Final = re.compile(
    r"(?:ft[:-])?(?:gpt|o\d|chatgpt|text-embedding|dall-e|whisper|tts|codex|davinci|babbage|computer-use|sora)[\w.:-]*",
    re.IGNORECASE,
)
_NOISE: Final = re.compile(r"\b(?:tokens?|text|api|usage)\b")
_UNITS: Final = {
    "input": Unit.INPUT,
    "uncached input": Unit.INPUT,
    "cached input": Unit.CACHE_READ,
    "input cached": Unit.CACHE_READ,
    "cache read": Unit.CACHE_READ,
    "cache write": Unit.CACHE_WRITE_30M,
    "input cache write": Unit.CACHE_WRITE_30M,
    "cache write input": Unit.CACHE_WRITE_30M,
    "input cache write 30m": Unit.CACHE_WRITE_30M,
    "input cache write 12h": Unit.CACHE_WRITE_12H,
    "cache write 30m": Unit.CACHE_WRITE_30M,
    "cache write 12h": Unit.CACHE_WRITE_12H,
    "output": Unit.OUTPUT,
    "audio input": Unit.INPUT_AUDIO,
    "input audio": Unit.INPUT_AUDIO,
    "cached audio input": Unit.CACHE_READ_AUDIO,
    "audio output": Unit.OUTPUT_AUDIO,
    "output audio": Unit.OUTPUT_AUDIO,
    "image input": Unit.INPUT_IMAGE,
    "input image": Unit.INPUT_IMAGE,
    "image output": Unit.OUTPUT_IMAGE,
    "output image": Unit.OUTPUT_IMAGE,
    "images": Unit.IMAGE,
    "image": Unit.IMAGE,
    "duration": Unit.SECOND,
    "transcription": Unit.SECOND,
}
_FEES: Final = (
    ("web search", Unit.WEB_SEARCH),
    ("code interpreter", Unit.CODE_EXECUTION),
    ("container", Unit.CODE_EXECUTION),
    ("file search", None),
    ("vector", None),
    ("storage", None),
    ("moderation", None),
    ("training", None),
    ("assistants", None),
)
_APART: Final = ("scale tier", "provisioned", "reserved", "subscription", "chatgpt ", "seat", "tax", "credit")


@dataclass(frozen=True, slots=True)
class Named:
    """What a line item is for."""

    kind: Kind
    model: str | None = None
    mode: str | None = None
    unit: Unit | None = None


def named(line_item: str) -> Named:
    """Return what a line item of the cost report is for; UNMAPPED where its name is not known."""
    text = " ".join(line_item.split())
    lower = text.lower()
    if any(word in lower for word in _APART):
        return Named(Kind.APART)
    for word, unit in _FEES:
        if word in lower:
            return Named(Kind.FEE, unit=unit)
    if found := _MODEL_LINE.fullmatch(text):
        mode, what = found["mode"], found["what"].lower().replace("_", " ").replace("-", " ")
        words = what.split()
        if words and words[0] in _MODES:
            mode, words = words[0], words[1:]
        unit = _UNITS.get(" ".join(_NOISE.sub(" ", " ".join(words)).split()))
        if unit is not None:
            return Named(Kind.CHARGE, found["model"], mode.lower() if mode else None, unit)
    if _BARE_MODEL.fullmatch(text):
        return Named(Kind.CHARGE, text)
    return Named(Kind.UNMAPPED)
