"""The latency document: how long calls took and how soon they began to answer, by operation and model unless asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from costspan.server.analytics.spend import PARAMETERS as OF_SPEND
from costspan.server.analytics.spend import answer_document, parse_question, quantiles_document
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Spend, SpendQuestion

BY_DEFAULT: Final = ("operation", "model")
PARAMETERS: Final = tuple(name for name in OF_SPEND if name != "measures")


def parse_latency_question(parameters: Sequence[tuple[str, str]], now: datetime) -> SpendQuestion:
    """Return the question a query string asks, as `parse_question` does; the busiest groups first unless said."""
    given = dict(parameters)
    question = parse_question(parameters, now, PARAMETERS)
    if "group_by" not in given:
        question = replace(question, group_by=BY_DEFAULT)
    return question if "order" in given else replace(question, order="calls", ascending=False)


def latency_document(reader: LedgerReader, question: SpendQuestion) -> dict[str, Any]:
    """Return the answer to `question` as the document `/api/v1/latency` sends. Times are milliseconds."""
    return answer_document(question, reader.spend(question), _measures)


def _measures(spend: Spend) -> dict[str, Any]:
    return {
        "calls": spend.calls,
        "errors": spend.errors,
        "error_rate": spend.errors / spend.calls if spend.calls else None,
        "latency_ms": quantiles_document(spend.latency_ms),
        "ttft_ms": quantiles_document(spend.ttft_ms),
    }
