"""LiveKit Agents: `llm_request` spans with counts, cached tokens only inside the JSON of `lk.llm_metrics`.

Source: livekit/agents livekit-agents/telemetry/trace_types.py, 2026. Session, turn and node spans carry no counts.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI

_METRICS: Final = "lk.llm_metrics"
_REALTIME: Final = "lk.realtime_model_metrics"


class LiveKit(Dialect):
    """Model requests of a voice agent."""

    name = "livekit"
    source = "livekit/agents, 2026"
    markers = (b"lk.llm_metrics", b"lk.realtime_model_metrics", b"gen_ai.")
    scopes = ("livekit-agents*", "livekit.agents*")
    tell_tales: ClassVar = ("lk.",)
    bags: ClassVar = (_METRICS, _REALTIME)
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        provider=(
            "gen_ai.provider.name",
            f"{_METRICS}.metadata.model_provider",
            f"{_REALTIME}.metadata.model_provider",
        ),
        requested_model=(
            "gen_ai.request.model",
            f"{_METRICS}.metadata.model_name",
            f"{_REALTIME}.metadata.model_name",
        ),
        time_to_first_chunk_s=(f"{_METRICS}.ttft", f"{_REALTIME}.ttft"),
        input=(*GEN_AI.input, f"{_METRICS}.prompt_tokens", f"{_REALTIME}.input_tokens"),
        output=(*GEN_AI.output, f"{_METRICS}.completion_tokens", f"{_REALTIME}.output_tokens"),
        total=(*GEN_AI.total, f"{_METRICS}.total_tokens", f"{_REALTIME}.total_tokens"),
        cache_read=(f"{_METRICS}.prompt_cached_tokens", f"{_REALTIME}.input_token_details.cached_tokens"),
        cache_write=(f"{_METRICS}.cache_creation_tokens",),
        reasoning=(f"{_METRICS}.reasoning_tokens",),
        input_audio=(f"{_REALTIME}.input_token_details.audio_tokens",),
        output_audio=(f"{_REALTIME}.output_token_details.audio_tokens",),
    )
