"""The API's questions, answered in process from a data folder: what reading commands ask where no server runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import UsageError
from costspan.pricing.rate_card import RateCard
from costspan.pricing.rate_list import last_checked
from costspan.server.alerts.conditions.base import Drift, Sources
from costspan.server.alerts.documents import (
    alerts_document,
    backtest_document,
    check_document,
    history_document,
    notifications_document,
)
from costspan.server.analytics.budget_outlook import outlooks_document
from costspan.server.analytics.budgets import budgets_document, verdict_document
from costspan.server.analytics.calls import calls_document, parse_calls_question
from costspan.server.analytics.forecast_document import forecast_document, parse_forecast
from costspan.server.analytics.growth import growth_document, parse_growth
from costspan.server.analytics.latency import latency_document, parse_latency_question
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.analytics.tools import parse_tool_question, tools_document
from costspan.server.analytics.traces import parse_trace_parameters, trace_document
from costspan.server.analytics.whatif_document import parse_whatif, whatif_document
from costspan.server.config import Settings
from costspan.server.store.alerts import AlertReader
from costspan.server.store.ports import Store

_TRACES: Final = "/api/v1/traces/"
_ALERTS: Final = "/api/v1/alerts"


def _anomalies(store: Store, asked: Sequence[tuple[str, str]], now: datetime) -> dict[str, Any]:
    # With it comes numpy: a quarter of a second, and only where anomalies are asked for.
    from costspan.server.analytics.anomaly.document import (  # noqa: PLC0415
        anomalies_document,
        parse_anomaly_question,
    )
    from costspan.server.analytics.anomaly.finder import Finder  # noqa: PLC0415

    return anomalies_document(Finder(), store, parse_anomaly_question(asked, now))


_OF_LEDGER: Final[Mapping[str, Callable[[Store, Sequence[tuple[str, str]], datetime], dict[str, Any]]]] = {
    "/api/v1/spend": lambda store, asked, now: spend_document(store, parse_question(asked, now)),
    "/api/v1/latency": lambda store, asked, now: latency_document(store, parse_latency_question(asked, now)),
    "/api/v1/tools": lambda store, asked, now: tools_document(store, parse_tool_question(asked, now)),
    "/api/v1/anomalies": _anomalies,
    "/api/v1/forecast": lambda store, asked, now: forecast_document(store, parse_forecast(asked, now)),
    "/api/v1/growth": lambda store, asked, now: growth_document(store, parse_growth(asked, now)),
}
_OF_BUDGETS: Final = {
    "/api/v1/budgets": budgets_document,
    "/api/v1/budgets/outlook": outlooks_document,
    "/api/v1/budgets/verdict": verdict_document,
}


class Reader:
    """The API's questions, answered in process from a data folder."""

    def __init__(
        self,
        store: Store,
        alerts: AlertReader,
        settings: Callable[[], Settings],
        card: Callable[[], RateCard],
        drifts: Callable[[], Sequence[Drift]] = tuple,
        clock: Clock = system_clock,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._settings = settings
        self._card = card
        self._drifts = drifts
        self._clock = clock

    def ask(self, path: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the document the API would send for `path`. Raise UsageError for a path that is not answered here."""
        if of_ledger := _OF_LEDGER.get(path):
            return of_ledger(self._store, parameters, self._clock())
        if path == "/api/v1/calls":
            return calls_document(self._store, parse_calls_question(parameters, self._clock()), self._card())
        if path == "/api/v1/whatif":
            return whatif_document(self._store, parse_whatif(parameters, self._clock()), self._card())
        if of_budgets := _OF_BUDGETS.get(path):
            return of_budgets(self._store, self._settings().budgets, parameters, self._clock())
        if path.startswith(_ALERTS):
            return self._ask_alerts(path, parameters)
        if path.startswith(_TRACES):
            parse_trace_parameters(parameters)
            return trace_document(self._store, path.removeprefix(_TRACES), self._card())
        raise UsageError(f"{path} is answered by a running server only")

    def _ask_alerts(self, path: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
        settings, now = self._settings(), self._clock()
        rules, kept = settings.alerts, self._alerts
        checked = partial(last_checked, self._card())
        sources = Sources(ledger=self._store, budgets=settings.budgets, catalogue_checked=checked, drifts=self._drifts)
        match path.removeprefix(_ALERTS):
            case "":
                return alerts_document(rules, kept, now, notifiers=list(settings.notifiers))
            case "/check":
                return check_document(rules, sources, now, parameters)
            case "/backtest":
                return backtest_document(rules, sources, parameters, now)
            case "/history":
                return history_document(kept, parameters)
            case "/notifications":
                return notifications_document(kept, parameters)
        raise UsageError(f"{path} is answered by a running server only")
