"""What a meter of a cloud bill measures, told from its words: clouds name a meter for each model, direction and tier.

Seen forms: `USE1-Claude4.6Sonnet-input-tokens`, `gpt 4o 0806 cached Inp glbl Tokens`, `Gemini 2.5 Pro Text Output`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from costspan.core.units import Unit
from costspan.server.reconciliation.bill import Kind

_APART: Final = re.compile(
    r"provisioned|\bptu\b|reserv|commitment|savings plan|\btax\b|credit|refund|support", re.IGNORECASE
)
_WRITE: Final = re.compile(r"cache[\s-]?(?:write|creation|storage)", re.IGNORECASE)
_READ: Final = re.compile(r"cache[\s-]?read|cached|cchd|caching|cache", re.IGNORECASE)
_OUTPUT: Final = re.compile(r"\boutput|\boutp|\bout\b|\bopt\b|response|generat", re.IGNORECASE)
_INPUT: Final = re.compile(r"\binput|\binp\b|\bin\b|prompt", re.IGNORECASE)
_AUDIO: Final = re.compile(r"audio", re.IGNORECASE)
_LONG: Final = re.compile(r"\b1\s?h", re.IGNORECASE)
_FEES: Final = (
    (re.compile(r"web[\s-]?search|bing", re.IGNORECASE), Unit.WEB_SEARCH),
    (re.compile(r"grounding", re.IGNORECASE), Unit.GROUNDING),
    (re.compile(r"code[\s-]?(?:interpreter|execution)", re.IGNORECASE), Unit.CODE_EXECUTION),
    (re.compile(r"file[\s-]?search|vector|storage|guardrail|fine[\s-]?tun", re.IGNORECASE), None),
)
_MODES: Final = tuple((re.compile(rf"\b{mode}\b", re.IGNORECASE), mode) for mode in ("batch", "flex", "priority"))
_REGION: Final = re.compile(r"^[A-Z]{2,4}\d?-")
_WORDS: Final = re.compile(
    r"\b(?:input|inp|output|outp|opt|out|in|cached|cchd|cache|caching|read|write|creation|tokens?|count|text|audio|image"
    r"|prompt|response|batch|flex|priority|standard|on-?demand|global|glbl|regional|regnl|data ?zone|dz(?:one)?"
    r"|cross-?region"
    r"|mantle|1h|5m|short|long|context|predictions?|1[km]|per|units?)\b",
    re.IGNORECASE,
)
_CLAUDE: Final = re.compile(r"claude[\s-]?(\d+(?:\.\d+)?)[\s-]?(sonnet|opus|haiku)", re.IGNORECASE)
_CLAUDE_LAST: Final = re.compile(r"claude[\s-]?(sonnet|opus|haiku)[\s-]?(\d+(?:[.-]\d+)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meter:
    """What is measured; `model` is as the words say it, joined by hyphens."""

    kind: Kind
    model: str | None = None
    mode: str | None = None
    unit: Unit | None = None


def meter(words: str) -> Meter:
    """Return what a meter measures; UNMAPPED where its words say neither a direction nor a known fee."""
    if _APART.search(words):
        mode = "provisioned" if re.search(r"provisioned|\bptu\b", words, re.IGNORECASE) else None
        return Meter(Kind.APART, mode=mode)
    plain = words.replace("_", " ").replace("-", " ")
    unit = _unit(plain)
    if unit is None:
        for pattern, fee in _FEES:
            if pattern.search(plain):
                return Meter(Kind.FEE, unit=fee)
        return Meter(Kind.UNMAPPED)
    mode = next((mode for pattern, mode in _MODES if pattern.search(plain)), "standard")
    return Meter(Kind.CHARGE, model_in(words), mode, unit)


def _unit(plain: str) -> Unit | None:
    is_output, is_input = bool(_OUTPUT.search(plain)), bool(_INPUT.search(plain))
    if _WRITE.search(plain):
        return Unit.CACHE_WRITE_1H if _LONG.search(plain) else Unit.CACHE_WRITE_5M
    if _READ.search(plain):
        return Unit.CACHE_READ_AUDIO if _AUDIO.search(plain) else Unit.CACHE_READ
    if is_output:
        return Unit.OUTPUT_AUDIO if _AUDIO.search(plain) else Unit.OUTPUT
    if is_input:
        return Unit.INPUT_AUDIO if _AUDIO.search(plain) else Unit.INPUT
    return None


def model_in(words: str) -> str | None:
    """Return the model that a meter's words name, in the spelling of price lists where that is known."""
    text = _REGION.sub("", words.strip())
    if found := _CLAUDE.search(text):
        return f"claude-{found[2].lower()}-{found[1].replace('.', '-')}"
    if found := _CLAUDE_LAST.search(text):
        return f"claude-{found[1].lower()}-{found[2].replace('.', '-')}"
    left = _WORDS.sub(" ", text.replace("_", " ").replace("-", " "))
    return "-".join(left.lower().split()) or None
