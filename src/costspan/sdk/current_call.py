"""The span of the model call that the running code is part of, made by whichever instrumentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import get_value

from costspan.sdk.safety import log_once
from costspan.semconv.dialects.base import INFERENCE_OPERATIONS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span

_INFERENCE_DATA: Final = "opentelemetry.genai.client.inference.context"
"""`CLIENT_INFERENCE_CONTEXT_KEY` of opentelemetry-util-genai 1.3b0: under it lies what inner layers know of a call."""
_UNKNOWN: Final = "costspan: the span of a model call could not be looked at and was passed over"


def current_call() -> Span | None:
    """Return the span of the model call in progress, still recording, or None outside of one."""
    try:
        span: Any = trace.get_current_span()
        said = getattr(span, "attributes", None)  # a span of the API alone has none, one of the SDK always
        if said is None or not span.is_recording():
            return None
        return span if said["gen_ai.operation.name"] in INFERENCE_OPERATIONS else None
    except KeyError:
        return None
    except Exception as error:  # noqa: BLE001 - telemetry must never break its host
        log_once(_UNKNOWN, error=error)
        return None


def instrumentation_data() -> Any:
    """Return what the official instrumentation reads from layers below it when the call ends, or None.

    Its metrics are made from that, so a figure put on the span alone would be missing in them.
    """
    return get_value(_INFERENCE_DATA)
