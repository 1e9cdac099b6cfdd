"""The cases of the corpus as they go over the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.corpus.corpus import CASES, PAYLOAD
from tests.corpus.mutate import parsed

MODEL_CALL_KEYS = ("gen_ai.", "llm.", "ai.", "mlflow.", "openinference.")


@dataclass(frozen=True, slots=True)
class Body:
    """One request as it was recorded, in either encoding."""

    signal: str
    content: bytes
    is_json: bool

    def protobuf(self) -> bytes:
        """Return the request in the encoding every server takes."""
        return parsed(self.signal, self.content, as_json=True).SerializeToString() if self.is_json else self.content


@dataclass(frozen=True)
class Recorded:
    """A case: requests in order of arrival, and the truth about what was billed."""

    name: str
    truth: dict[str, Any]
    bodies: tuple[Body, ...]

    @property
    def cost_usd(self) -> Decimal:
        """What the provider billed; in a sampled case the estimate that follows from the samples."""
        return Decimal(self.truth["total_cost_usd"])

    @cached_property
    def trace_ids(self) -> tuple[str, ...]:
        """The traces that may hold a model call, in order of arrival."""
        found: dict[str, None] = {}
        for body in self.bodies:
            if body.signal == "traces":
                found |= dict.fromkeys(_trace_ids(parsed("traces", body.content, body.is_json)))
        return tuple(found)


def recorded_cases() -> list[Recorded]:
    """Return every case of the corpus."""
    cases = []
    for folder in sorted(path for path in CASES.iterdir() if path.is_dir()):
        named = [(path, match) for path in sorted(folder.iterdir()) if (match := PAYLOAD.fullmatch(path.name))]
        bodies = tuple(Body(match[1], path.read_bytes(), match[2] == "json") for path, match in named)
        cases.append(Recorded(folder.name, json.loads((folder / "truth.json").read_text()), bodies))
    return cases


def _trace_ids(request: Any) -> list[str]:
    return [
        span.trace_id.hex()
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if any(attribute.key.startswith(MODEL_CALL_KEYS) for attribute in span.attributes)
    ]
