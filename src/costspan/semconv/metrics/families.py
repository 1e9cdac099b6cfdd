"""Metric families as data: which metrics of which emitter count tokens, and how.

A family is all that one emitter says about a group of requests, over one or more metrics. The narrowest stands first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from costspan.core.record import MetricPoint
from costspan.semconv.attributes import Keys, first, text
from costspan.semconv.conventions import CACHE_APART, INCLUSIVE, Convention
from costspan.semconv.vendor import Who, claude_provider

COST: Final = "cost"
"""The field of a metric that reports money instead of tokens."""

USD: Final = 12
MICRO_USD: Final = 6
"""Decimal places from the reported unit to pico-dollars."""
NOBODY: Final = Who()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFamily:
    """One emitter's way to report usage in metrics.

    `tokens` names a metric and the fields it counts whatever its attributes say; for a metric with no fields of its own
    the attribute under `type_keys` decides by `types`. `calls_counted` holds where each point of a histogram is one
    request. `silent_on_cache` holds where cached tokens may be missing from the series although they were used.
    """

    name: str
    source: str
    tokens: Mapping[str, tuple[str, ...]]
    scopes: tuple[str, ...] = ()
    type_keys: Keys = ()
    types: Mapping[str, str] = field(default_factory=dict)
    modality_key: str | None = None
    costs: Mapping[str, int] = field(default_factory=dict)
    shadows: tuple[str, ...] = ()
    convention: Convention | None = INCLUSIVE
    provider: Callable[[str | None], str | None] | None = None
    provider_keys: Keys = ()
    requested_model: Keys = ("model",)
    response_model: Keys = ("model",)
    operation_keys: Keys = ()
    not_billed: Mapping[str, bool] = field(default_factory=dict)
    who: Who = NOBODY
    calls_counted: bool = False
    silent_on_cache: bool = False
    doubt: str | None = None

    def recognizes(self, point: MetricPoint) -> bool:
        """Return True for a metric of this family, or one that repeats it, from one of its scopes."""
        named = point.metric in self.tokens or point.metric in self.costs or point.metric in self.shadows
        return named and (not self.scopes or any(scope in point.scope.name for scope in self.scopes))

    def fields(self, point: MetricPoint) -> tuple[str, ...]:
        """Return the fields of `Counts` the point adds to, or `COST`; none for a series that repeats others."""
        if point.metric in self.costs:
            return (COST,)
        if any(point.attributes.get(key) is value for key, value in self.not_billed.items()):
            return ()
        own = self.tokens.get(point.metric, ())
        if own:
            return own + self._modality(own[0], point)
        said = (first(point.attributes, self.type_keys, text) or "").lower()
        return (self.types[said],) if said in self.types and point.metric in self.tokens else ()

    def _modality(self, total: str, point: MetricPoint) -> tuple[str, ...]:
        """Return the part of a total that the point's modality names, where it is priced apart."""
        modality = first(point.attributes, (self.modality_key,), text) if self.modality_key else None
        part = f"{total}_{(modality or '').lower()}"
        return (part,) if part in _PARTS else ()

    @property
    def type_attributes(self) -> frozenset[str]:
        """The attributes that tell series of one group apart."""
        return frozenset((*self.type_keys, *((self.modality_key,) if self.modality_key else ())))


_PARTS: Final = frozenset(("input_audio", "input_image", "output_audio", "output_image", "cache_read_audio"))

_GEN_AI_PROVIDER: Final = ("gen_ai.provider.name", "gen_ai.system", "gen_ai_provider_name", "gen_ai_system")
_GEN_AI_REQUESTED: Final = ("gen_ai.request.model", "gen_ai_request_model")
_GEN_AI_ANSWERED: Final = ("gen_ai.response.model", "gen_ai_response_model")
_GEN_AI_OPERATION: Final = ("gen_ai.operation.name", "gen_ai_operation_name")
_GEN_AI_COSTS: Final = {"gen_ai.usage.cost": USD, "operation.cost": USD, "gen_ai.client.operation.cost": USD}
_INFERENCE: Final = "gen_ai.client.inference.usage."

FAMILIES: Final[tuple[MetricFamily, ...]] = (
    MetricFamily(
        name="opencode",
        source="DEVtheOPS/opencode-plugin-otel 2026-07; its prefix can be set to that of Claude Code",
        scopes=("opencode",),
        tokens={"opencode.token.usage": (), "claude_code.token.usage": ()},
        type_keys=("type",),
        types={
            "input": "input",
            "output": "output",
            "reasoning": "reasoning",
            "cacheread": "cache_read",
            "cachecreation": "cache_write",
        },
        costs={"opencode.cost.usage": USD, "claude_code.cost.usage": USD},
        convention=Convention(input_includes_cache=False, output_includes_reasoning=False),
        provider_keys=("gen_ai.provider.name", "provider"),
        who=Who(user_id=("enduser.id",), agent=("agent",)),
    ),
    MetricFamily(
        name="claude_code",
        source="code.claude.com/docs/en/monitoring-usage, 2.1",
        tokens={"claude_code.token.usage": ()},
        type_keys=("type",),
        types={"input": "input", "output": "output", "cacheread": "cache_read", "cachecreation": "cache_write"},
        costs={"claude_code.cost.usage": USD},
        convention=CACHE_APART,
        provider=claude_provider,
        who=Who(
            user_id=("user.id", "user.account_uuid", "user.email"),
            tags=("organization.id", "query_source", "skill.name", "plugin.name", "effort"),
        ),
    ),
    MetricFamily(
        name="codex",
        source="openai/codex codex-rs/core, 2026-09: one point a turn; `total` repeats input and output",
        tokens={"codex.turn.token_usage": ()},
        type_keys=("token_type", "type"),
        types={
            "input": "input",
            "cached_input": "cache_read",
            "cached": "cache_read",
            "cache_write_input": "cache_write",
            "output": "output",
            "reasoning_output": "reasoning",
            "reasoning": "reasoning",
        },
        costs={"codex.turn.cost_microusd": MICRO_USD},
        provider=lambda _: "openai",
        who=Who(
            session=("conversation.id", "session_id"),
            user_id=("user.email", "user.account_id"),
            tags=("originator", "auth_mode"),
        ),
    ),
    MetricFamily(
        name="gemini_cli",
        source="google-gemini/gemini-cli, 2026-08; the histogram beside it has no thoughts and no cache",
        tokens={"gemini_cli.token.usage": ()},
        scopes=("gemini-cli",),
        shadows=("gen_ai.client.token.usage",),
        type_keys=("type",),
        types={
            "input": "input",
            "output": "output",
            "thought": "reasoning",
            "cache": "cache_read",
            "tool": "tool_use_input",
        },
        convention=Convention(input_includes_cache=True, output_includes_reasoning=False),
        provider=lambda _: "gcp.gemini",
        operation_keys=("gen_ai.operation.name",),
        who=Who(user_id=("user.email", "installation.id")),
    ),
    MetricFamily(
        name="cursor",
        source="cursor.com/docs/enterprise/opentelemetry-export/wire, 2026-09",
        tokens={"cursor.token.usage": ()},
        type_keys=("cursor.token.type",),
        types={"input": "input", "output": "output", "cache_read": "cache_read", "cache_creation": "cache_write"},
        costs={"cursor.cost.usage": USD},
        convention=CACHE_APART,
        requested_model=("cursor.model.name",),
        response_model=(),
        not_billed={"cursor.api.billable": False},
        who=Who(user_id=("cursor.user.id",), team=("cursor.team.id",), tags=("cursor.surface", "cursor.entrypoint")),
        doubt="Cursor does not say whether input contains cached tokens; read as apart from it",
    ),
    MetricFamily(
        name="gen_ai_inference_usage",
        source="open-telemetry/semantic-conventions-genai #374: counters; the specific ones are parts of the totals",
        tokens={
            f"{_INFERENCE}input_tokens": ("input",),
            f"{_INFERENCE}output_tokens": ("output",),
            f"{_INFERENCE}cache_read.input_tokens": ("cache_read",),
            f"{_INFERENCE}cache_write.input_tokens": ("cache_write",),
            f"{_INFERENCE}reasoning.output_tokens": ("reasoning",),
        },
        modality_key="gen_ai.token.modality",
        costs=_GEN_AI_COSTS,
        provider_keys=_GEN_AI_PROVIDER,
        requested_model=_GEN_AI_REQUESTED,
        response_model=_GEN_AI_ANSWERED,
        operation_keys=_GEN_AI_OPERATION,
    ),
    MetricFamily(
        name="gen_ai_token_usage",
        source="semantic conventions 1.28 to 1.41; agentgateway adds the cache types, beside a whole input",
        tokens={
            "gen_ai.client.token.usage": (),
            "gen_ai_client_token_usage": (),
            "agentgateway_gen_ai_client_token_usage": (),
        },
        type_keys=("gen_ai.token.type", "gen_ai_token_type"),
        types={
            "input": "input",
            "prompt": "input",
            "output": "output",
            "completion": "output",
            "input_cache_read": "cache_read",
            "cache_read": "cache_read",
            "input_cache_write": "cache_write",
            "cache_write": "cache_write",
            "cache_creation": "cache_write",
            "reasoning": "reasoning",
        },
        costs=_GEN_AI_COSTS,
        convention=None,
        provider_keys=_GEN_AI_PROVIDER,
        requested_model=_GEN_AI_REQUESTED,
        response_model=_GEN_AI_ANSWERED,
        operation_keys=_GEN_AI_OPERATION,
        calls_counted=True,
        silent_on_cache=True,
    ),
)

METRIC_NAMES: Final = frozenset(
    name for family in FAMILIES for name in (*family.tokens, *family.costs, *family.shadows)
)
"""A metric of any other name is no usage and is not parsed."""


def families_of(point: MetricPoint) -> tuple[MetricFamily, ...]:
    """Return the families a point belongs to: one for tokens; for a cost, each whose tokens it may stand beside."""
    found = [family for family in FAMILIES if family.recognizes(point)]
    return tuple(found if point.metric in _GEN_AI_COSTS else found[:1])
