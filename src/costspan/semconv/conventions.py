"""Reported counts become disjoint leaves, once, here (accounting rule 2).

Emitters count in two ways: OpenTelemetry's rule is that input includes cached tokens and output includes reasoning;
some send them apart. Which one is a property of the instrumentation scope and its version, kept below as data. Where
the scope is unknown the numbers themselves are asked; where they are silent the specification's rule is used and the
call says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from costspan.core.call import UsageState
from costspan.core.frozen import quickly_made
from costspan.core.units import CACHE_WRITE_UNITS, FEE_UNITS, Unit
from costspan.core.usage import Usage

MAX_TOKENS: Final = 1_000_000_000
"""A count above this in one call is a broken emitter: a hundred times the largest context window sold."""

MAX_FEES: Final = 1_000_000
"""The same for what is charged by the piece: searches, pages, seconds of audio. More of them would cost millions."""


class Counts(NamedTuple):
    """What a span reports. None is "not said", which is not 0."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_30m: int | None = None
    cache_write_1h: int | None = None
    cache_write_12h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    cache_read_audio: int | None = None
    output_audio: int | None = None
    input_image: int | None = None
    output_image: int | None = None
    tool_use_input: int | None = None
    web_search: int | None = None
    grounding: int | None = None
    code_execution: int | None = None
    image: int | None = None
    page: int | None = None
    second: int | None = None
    request: int | None = None

    @property
    def cached(self) -> int:
        """Input tokens read from or written to a cache."""
        return (self.cache_read or 0) + self.written

    @property
    def written(self) -> int:
        """Input tokens written to a cache: the reported sum, or its parts where only those are reported."""
        parts = (self.cache_write_5m or 0) + (self.cache_write_30m or 0)
        parts += (self.cache_write_1h or 0) + (self.cache_write_12h or 0)
        return max(self.cache_write or 0, parts)

    @property
    def time_to_live_said(self) -> bool:
        """True when the emitter says for how long tokens were written to the cache."""
        parts = (self.cache_write_5m, self.cache_write_30m, self.cache_write_1h, self.cache_write_12h)
        return any(part is not None for part in parts)


_FACTS: Final = Counts._fields
_FEES: Final = tuple((unit.value, unit) for unit in FEE_UNITS)
_TIMES_TO_LIVE: Final = tuple((unit.value, unit) for unit in CACHE_WRITE_UNITS)
_ALONE: Final = (
    Unit.CACHE_READ_AUDIO,
    Unit.INPUT_IMAGE,
    Unit.TOOL_USE_INPUT,
    Unit.REASONING,
    Unit.OUTPUT_AUDIO,
    Unit.OUTPUT_IMAGE,
)
_SAME: Final = tuple((unit.value, unit) for unit in _ALONE) + _FEES


@dataclass(frozen=True, slots=True)
class Convention:
    """Whether the reported input contains cached tokens and the reported output contains reasoning."""

    input_includes_cache: bool = True
    output_includes_reasoning: bool = True


INCLUSIVE: Final = Convention()
CACHE_APART: Final = Convention(input_includes_cache=False)


@dataclass(frozen=True, slots=True)
class ConventionRow:
    """The convention of all scopes under `scope` from version `since` up to, not including, `before`."""

    scope: str
    convention: Convention
    evidence: str
    since: tuple[int, ...] = ()
    before: tuple[int, ...] | None = None


CONVENTIONS: Final = (
    ConventionRow("opentelemetry.instrumentation.genai.bedrock", CACHE_APART, "run, 1.3b0: 50 beside 1000 and 300"),
    ConventionRow("opentelemetry.instrumentation.botocore", CACHE_APART, "run, 0.66b2: 50 beside 1000 and 300"),
    ConventionRow("openlit.instrumentation.anthropic", CACHE_APART, "run, 1.45: 50 beside 1000 and 300"),
    ConventionRow("openlit.instrumentation.openai", INCLUSIVE, "run, 1.45 on OpenAI"),
    ConventionRow("opentelemetry.instrumentation.genai.", INCLUSIVE, "run, 1.3b0: 2600 contains 2000 and 400"),
    ConventionRow("opentelemetry.instrumentation.google_genai", INCLUSIVE, "run, 1.3b0: 500 contains 300"),
    ConventionRow("costspan.google_genai", INCLUSIVE, "ours: as the specification says"),
    ConventionRow("opentelemetry.instrumentation.openai_v2", INCLUSIVE, "run, 2.4b0"),
    ConventionRow("costspan.track", INCLUSIVE, "this project: `record_usage` counts as OpenTelemetry does"),
    ConventionRow("opentelemetry.util.genai", INCLUSIVE, "run, util-genai 1.3b0"),
    ConventionRow("opentelemetry.instrumentation.openai.", INCLUSIVE, "run, OpenLLMetry 0.62.4"),
    ConventionRow("opentelemetry.instrumentation.anthropic", INCLUSIVE, "run, OpenLLMetry 0.62.4: 1350 contains 1300"),
    ConventionRow("com.anthropic.sdk.", INCLUSIVE, "run, 2.11.0: 1350 contains 1000 and 300"),
    ConventionRow("com.anthropic.claude_code", CACHE_APART, "documented; captured values of 2.1.266 have input 2"),
    ConventionRow("pydantic-ai", INCLUSIVE, "run, 2.68.0 on OpenAI and Anthropic"),
    ConventionRow("opentelemetry.instrumentation.langchain", INCLUSIVE, "run, OpenLLMetry 0.62.4: usage_metadata"),
    ConventionRow("litellm", INCLUSIVE, "run, 1.106.2 on OpenAI and Anthropic: 1350 contains 1300"),
    ConventionRow("gemini-cli", Convention(True, False), "documented: output excludes thoughts"),
    ConventionRow("@opentelemetry/instrumentation-openai", INCLUSIVE, "run, 0.21.0"),
    ConventionRow("openinference.instrumentation.", INCLUSIVE, "run, OpenAI, Anthropic, Google"),
)
"""First match wins, so a narrower scope stands before a wider one."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Split:
    """Disjoint usage, how far to trust it, and why when it is less than certain."""

    usage: Usage
    state: UsageState
    note: str | None = None
    time_to_live_said: bool = False


@lru_cache(maxsize=4096)
def known_convention(scope_name: str, scope_version: str) -> Convention | None:
    """Return the convention of an instrumentation scope, or None when it is not in the table."""
    version = _version(scope_version)
    for row in CONVENTIONS:
        if scope_name.startswith(row.scope) and version >= row.since and (row.before is None or version < row.before):
            return row.convention
    return None


def split(counts: Counts, known: Convention | None, usual: Convention | None = None) -> Split:
    """Return the disjoint leaves of `counts`. A negative leaf is reported as invalid and never clamped.

    `known` is a convention that was verified and is applied as it is; `usual` is what the emitter is documented to do,
    used where the numbers themselves do not decide.
    """
    return _usual_split(counts, known) or _any_split(counts, known, usual)


_FINER: Final = slice(_FACTS.index("cache_write_30m"), _FACTS.index("reasoning"))
_RARE: Final = slice(_FACTS.index("reasoning") + 1, None)
_USUAL: Final = (Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M, Unit.OUTPUT, Unit.REASONING)
"""In the order of `Unit`."""
_REPORTED: Final = UsageState.REPORTED
_NONE_FINER: Final = Counts()[_FINER]
_NONE_RARE: Final = Counts()[_RARE]


def _usual_split(counts: Counts, known: Convention | None) -> Split | None:
    """Return what `_any_split` returns for the counts most spans have, or None for any others."""
    fed, told, total, cache_read, cache_write, written_5m = counts[:6]
    if fed is None or counts[_RARE] != _NONE_RARE or counts[_FINER] != _NONE_FINER:
        return None
    if told is None:
        if total is not None:
            return None
        told = 0
    read, written, reasoning = cache_read or 0, max(cache_write or 0, written_5m or 0), counts.reasoning or 0
    if known is None:
        if read or written or reasoning:
            return None
        known = INCLUSIVE
    fresh = fed - read - written if known.input_includes_cache else fed
    visible = told - reasoning if known.output_includes_reasoning else told
    said = (fresh, visible, read, cache_write or 0, written_5m or 0, reasoning, fed, told, total or 0)
    if min(said) < 0 or max(said) > MAX_TOKENS:
        return None
    leaves = {unit: used for unit, used in zip(_USUAL, (fresh, read, written, visible, reasoning), strict=True) if used}
    return Split(Usage.of_leaves(leaves), _REPORTED, None, written_5m is not None) if leaves else None


def _any_split(counts: Counts, known: Convention | None, usual: Convention | None) -> Split:
    said = {name: quantity for name, quantity in zip(_FACTS, counts, strict=True) if quantity}
    if not said:
        return Split(Usage(), UsageState.MISSING, "no token counts")
    if min(said.values()) < 0:
        negative = [name for name, quantity in said.items() if quantity < 0]
        return Split(Usage(), UsageState.INVALID, f"negative count: {', '.join(negative)}")
    if max(said.values()) > MAX_TOKENS:
        return Split(Usage(), UsageState.INVALID, f"more than {MAX_TOKENS} tokens in one call")
    if any(said.get(name, 0) > MAX_FEES for name, _ in _FEES):
        return Split(Usage(), UsageState.INVALID, f"more than {MAX_FEES} of a unit that is no token in one call")
    convention, state, note = (known, UsageState.REPORTED, None) if known else _deduced(counts, usual)
    leaves = _leaves(_complete(counts, convention), convention)
    leaves.update({unit: said[name] for name, unit in _FEES if name in said})
    if min(leaves.values(), default=0) < 0:
        below_zero = [unit.value for unit, quantity in leaves.items() if quantity < 0]
        return Split(Usage(), UsageState.INVALID, f"parts exceed their total: {', '.join(below_zero)}")
    if not leaves:
        return Split(Usage(), UsageState.MISSING, f"only a total was reported: {counts.total} tokens")
    unsaid = _unsaid(counts)
    state = UsageState.ASSUMED if unsaid else state
    return Split(Usage(leaves), state, unsaid or note, counts.time_to_live_said)


def inclusive_counts(raw: Counts, told: Split) -> Counts:
    """Return the disjoint usage of `told` as OpenTelemetry counts: input with cached tokens, output with reasoning.

    What `raw`, the counts it was split from, did not say stays unsaid.
    """
    usage = told.usage
    facts = {name: quantity for name, unit in _SAME if (quantity := usage[unit])}
    if told.time_to_live_said:
        facts |= {name: quantity for name, unit in _TIMES_TO_LIVE if (quantity := usage[unit])}
    sums = {
        "input": usage.context_tokens - usage[Unit.TOOL_USE_INPUT],
        "output": usage.output_tokens,
        "cache_read": usage.cache_read_tokens,
        "cache_write": usage.cache_write_tokens,
        "input_audio": usage[Unit.INPUT_AUDIO] + usage[Unit.CACHE_READ_AUDIO],
    }
    return Counts(**facts, **{name: sum_ for name, sum_ in sums.items() if sum_ or getattr(raw, name) is not None})


def _deduced(counts: Counts, usual: Convention | None) -> tuple[Convention, UsageState, str | None]:
    """Return the convention the numbers prove, or the usual one, or the specification's, among those they allow."""
    if not counts.cached and not counts.reasoning:
        return INCLUSIVE, UsageState.REPORTED, None
    possible = [
        Convention(cache_inside, reasoning_inside)
        for reasoning_inside in _inside(counts.reasoning or 0, counts.output)
        for cache_inside in _inside(counts.cached, counts.input)
    ]
    agreeing = [convention for convention in possible if counts.total == _grand_total(counts, convention)]
    left = agreeing or possible
    if len(left) == 1:
        note = "the reported total decides" if len(possible) > 1 else "a part exceeds its total: sent apart"
        return left[0], UsageState.REPORTED, note
    if usual in left:
        return usual, UsageState.REPORTED, None
    note = "counting convention unknown; the specification's inclusive rule was used"
    return left[0], UsageState.ASSUMED, note


def _inside(part: int, whole: int | None) -> tuple[bool, ...]:
    """Return the answers the numbers allow to whether `part` is counted inside `whole`."""
    if not part:
        return (True,)
    return (False,) if part > (whole or 0) else (True, False)


def _grand_total(counts: Counts, convention: Convention) -> int:
    cached = 0 if convention.input_includes_cache else counts.cached
    reasoning = 0 if convention.output_includes_reasoning else counts.reasoning or 0
    return (counts.input or 0) + cached + (counts.output or 0) + reasoning + (counts.tool_use_input or 0)


def _complete(counts: Counts, convention: Convention) -> Counts:
    """Fill a missing side from a reported total where the other side is there."""
    if counts.total is None or (counts.input is None) == (counts.output is None):
        return counts
    rest = counts.total - _grand_total(counts, convention)
    if rest < 0:
        return counts
    return counts._replace(input=rest) if counts.input is None else counts._replace(output=rest)


def _unsaid(counts: Counts) -> str | None:
    if counts.total is None and counts.input is None:
        return "input tokens were not reported"
    return None


def _leaves(counts: Counts, convention: Convention) -> dict[Unit, int]:
    cached_audio = counts.cache_read_audio or 0
    audio = (counts.input_audio or 0) - (cached_audio if convention.input_includes_cache else 0)
    write_30m, write_1h = counts.cache_write_30m or 0, counts.cache_write_1h or 0
    write_12h = counts.cache_write_12h or 0
    written, read = counts.written, counts.cache_read or 0
    inside_input = (read + written if convention.input_includes_cache else 0) + audio + (counts.input_image or 0)
    inside_output = (
        (counts.reasoning or 0 if convention.output_includes_reasoning else 0)
        + (counts.output_audio or 0)
        + (counts.output_image or 0)
    )
    leaves = {Unit.INPUT: (counts.input or 0) - inside_input, Unit.OUTPUT: (counts.output or 0) - inside_output}
    if read or written or cached_audio:
        leaves[Unit.CACHE_READ] = read - cached_audio
        leaves[Unit.CACHE_READ_AUDIO] = cached_audio
        leaves[Unit.CACHE_WRITE_5M] = written - write_30m - write_1h - write_12h
        leaves[Unit.CACHE_WRITE_30M] = write_30m
        leaves[Unit.CACHE_WRITE_1H] = write_1h
        leaves[Unit.CACHE_WRITE_12H] = write_12h
    leaves[Unit.INPUT_AUDIO] = audio
    leaves[Unit.INPUT_IMAGE] = counts.input_image or 0
    leaves[Unit.TOOL_USE_INPUT] = counts.tool_use_input or 0
    leaves[Unit.REASONING] = counts.reasoning or 0
    leaves[Unit.OUTPUT_AUDIO] = counts.output_audio or 0
    leaves[Unit.OUTPUT_IMAGE] = counts.output_image or 0
    return {unit: quantity for unit, quantity in leaves.items() if quantity}


def _version(text: str) -> tuple[int, ...]:
    numbers = []
    for part in text.lstrip("v").split("."):
        digits = part[: next((i for i, char in enumerate(part) if not char.isdigit()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
