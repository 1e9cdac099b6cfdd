"""The closed list of billable units: disjoint leaves, so that every token stands in exactly one.

Source: accounting rule 2. "Input tokens" and the like are views over these, never stored sums.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Unit(StrEnum):
    """One kind of thing a provider bills."""

    INPUT = "input"
    CACHE_READ = "cache_read"
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_30M = "cache_write_30m"
    CACHE_WRITE_1H = "cache_write_1h"
    CACHE_WRITE_12H = "cache_write_12h"
    INPUT_AUDIO = "input_audio"
    CACHE_READ_AUDIO = "cache_read_audio"
    INPUT_IMAGE = "input_image"
    TOOL_USE_INPUT = "tool_use_input"
    OUTPUT = "output"
    REASONING = "reasoning"
    OUTPUT_AUDIO = "output_audio"
    OUTPUT_IMAGE = "output_image"
    WEB_SEARCH = "web_search"
    GROUNDING = "grounding"
    CODE_EXECUTION = "code_execution"
    IMAGE = "image"
    PAGE = "page"
    SECOND = "second"
    REQUEST = "request"


UNCACHED_INPUT_UNITS: Final = (Unit.INPUT, Unit.INPUT_AUDIO, Unit.INPUT_IMAGE, Unit.TOOL_USE_INPUT)
CACHE_READ_UNITS: Final = (Unit.CACHE_READ, Unit.CACHE_READ_AUDIO)
CACHE_WRITE_UNITS: Final = (Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_30M, Unit.CACHE_WRITE_1H, Unit.CACHE_WRITE_12H)
INPUT_UNITS: Final = UNCACHED_INPUT_UNITS + CACHE_READ_UNITS + CACHE_WRITE_UNITS
OUTPUT_UNITS: Final = (Unit.OUTPUT, Unit.REASONING, Unit.OUTPUT_AUDIO, Unit.OUTPUT_IMAGE)
TOKEN_UNITS: Final = INPUT_UNITS + OUTPUT_UNITS
FEE_UNITS: Final = tuple(unit for unit in Unit if unit not in TOKEN_UNITS)

PRICED_AS: Final[dict[Unit, Unit]] = {
    Unit.CACHE_WRITE_30M: Unit.CACHE_WRITE_5M,
    Unit.CACHE_WRITE_1H: Unit.CACHE_WRITE_5M,
    Unit.CACHE_WRITE_12H: Unit.CACHE_WRITE_5M,
    Unit.CACHE_READ_AUDIO: Unit.CACHE_READ,
    Unit.INPUT_AUDIO: Unit.INPUT,
    Unit.INPUT_IMAGE: Unit.INPUT,
    Unit.TOOL_USE_INPUT: Unit.INPUT,
    Unit.REASONING: Unit.OUTPUT,
    Unit.OUTPUT_AUDIO: Unit.OUTPUT,
    Unit.OUTPUT_IMAGE: Unit.OUTPUT,
}
"""The unit whose published rate also covers this one when a price list names no rate of its own.

Cached and written-to-cache tokens have no such parent in INPUT: a price list that names no cache rate bills
them as ordinary input only if it says so, which `RateCard` decides from the list and not from here.
"""
