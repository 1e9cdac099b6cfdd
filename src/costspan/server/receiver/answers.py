"""What a sender is told, in OTLP's messages: the response to what was taken, the google.rpc.Status of what was not.

Source: opentelemetry-proto docs/specification.md, "Partial Success" and "Failures".
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message

from costspan.core.errors import PermanentError, RetryableError
from costspan.server.pipeline import views
from costspan.server.pipeline.pipeline import Taken
from costspan.server.receiver.gate import Forbidden, Unauthenticated
from costspan.server.receiver.quota import QuotaExceeded

INVALID_ARGUMENT: Final = 3
INTERNAL: Final = 13
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
UNAVAILABLE: Final = 14
UNAUTHENTICATED: Final = 16


def response(taken: Taken, signal: str) -> Message:
    """Return the Export...ServiceResponse of a signal; a partial success where items were refused."""
    answer: Any = views.RESPONSES[signal]()
    if taken.refused_items:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in sorted(taken.refused.items()))
        setattr(answer.partial_success, views.REJECTED[signal], taken.refused_items)
        answer.partial_success.error_message = reasons
    message: Message = answer
    return message


def status(error: Exception) -> Any:
    """Return the google.rpc.Status of an error; of one that nobody foresaw it says no more than that."""
    code = _code(error)
    said = str(error) if code != INTERNAL else "unexpected error; the server's log has the cause"
    return views.RpcStatus(code=code, message=said)


def _code(error: Exception) -> int:
    match error:
        case QuotaExceeded():
            return RESOURCE_EXHAUSTED
        case RetryableError():
            return UNAVAILABLE
        case PermanentError():
            return INVALID_ARGUMENT
        case Unauthenticated():
            return UNAUTHENTICATED
        case Forbidden():
            return PERMISSION_DENIED
    return INTERNAL
