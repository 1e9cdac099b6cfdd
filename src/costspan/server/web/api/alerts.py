"""`/api/v1/alerts`: rules, what fires, what happened, silences, and notifications that could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.core.errors import PermanentError, UsageError
from costspan.server.alerts.alerting import Alerting
from costspan.server.alerts.amounts import length
from costspan.server.alerts.documents import (
    alerts_document,
    backtest_document,
    check_document,
    history_document,
    notifications_document,
    silence_document,
)
from costspan.server.receiver.keys import Key
from costspan.server.web.api.alert_documents import (
    AlertsDocument,
    BacktestDocument,
    CheckDocument,
    HistoryDocument,
    NotificationsDocument,
    Queued,
    SilenceDocument,
    SilenceRequest,
    TestDocument,
    TestRequest,
)
from costspan.server.web.api.routes import PROBLEMS, json_answer
from costspan.server.web.problem import Problem

_NOT_THERE: Final[dict[int | str, dict[str, Any]]] = {404: {"model": Problem}, **PROBLEMS}


def alert_routes(alerting: Alerting, clock: Clock) -> APIRouter:
    """Return the routes over the alerts of one configuration."""
    routes = APIRouter(prefix="/api/v1/alerts")

    @routes.get("", responses={200: {"model": AlertsDocument}, **PROBLEMS})
    async def standing() -> Response:
        """Every rule, and every alert that is pending, fires or was resolved just now."""

        def ask() -> dict[str, Any]:
            names = list(alerting.notifiers)
            return alerts_document(alerting.rules, alerting.store, clock(), problems=alerting.problems, notifiers=names)

        return json_answer(await run_in_threadpool(ask))

    @routes.get("/check", responses={200: {"model": CheckDocument}, **_NOT_THERE})
    async def check(
        request: Request, rule: Annotated[str | None, Query(description="only this rule")] = None
    ) -> Response:
        """Judge every rule as of now, from the ledger alone; nobody is told."""
        del rule  # declared for the OpenAPI document
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(check_document, alerting.rules, alerting.sources, clock(), asked))

    @routes.get("/history", responses={200: {"model": HistoryDocument}, **PROBLEMS})
    async def history(
        request: Request,
        rule: Annotated[str | None, Query(description="only this rule")] = None,
        limit: Annotated[str | None, Query(description="how many, 100 by default")] = None,
    ) -> Response:
        """What fired and ended, the latest first."""
        del rule, limit  # declared for the OpenAPI document
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(history_document, alerting.store, asked))

    @routes.get("/backtest", responses={200: {"model": BacktestDocument}, **_NOT_THERE})
    async def backtest(
        request: Request,
        rule: Annotated[str, Query(description="its name in costspan.yaml")],
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
    ) -> Response:
        """When a rule would have fired; nobody is told."""
        del rule, since, until  # declared for the OpenAPI document
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(backtest_document, alerting.rules, alerting.sources, asked, clock()))

    _add_changes(routes, alerting, clock)
    return routes


def _add_changes(routes: APIRouter, alerting: Alerting, clock: Clock) -> None:
    @routes.get("/notifications", responses={200: {"model": NotificationsDocument}, **PROBLEMS})
    async def notifications(
        request: Request,
        state: Annotated[str | None, Query(description="queued, sending, sent or dead")] = None,
        limit: Annotated[str | None, Query(description="how many, 100 by default")] = None,
    ) -> Response:
        """Notifications and how far they have come, the latest first; dead ones were given up."""
        del state, limit  # declared for the OpenAPI document
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(notifications_document, alerting.store, asked))

    @routes.post("/notifications/{notification_id}/send", responses={200: {"model": Queued}, **_NOT_THERE})
    async def send_again(notification_id: str) -> Response:
        """Queue a notification again that was given up."""
        await run_in_threadpool(alerting.send_again, notification_id)
        return json_answer({"id": notification_id})

    @routes.post("/test", responses={200: {"model": TestDocument}, **_NOT_THERE})
    async def test(request: TestRequest) -> Response:
        """Send a test notification to a notifier of costspan.yaml, and say whether it was taken."""
        try:
            sent = await run_in_threadpool(alerting.test, request.notifier)
        except PermanentError as error:
            raise UsageError(f"{request.notifier}: {error}") from None
        return json_answer({"notifier": request.notifier, "id": sent})

    @routes.post("/silences", responses={200: {"model": SilenceDocument}, **PROBLEMS})
    async def silence(request: Request, asked: SilenceRequest) -> Response:
        """Tell nobody of the alerts that all matchers (`key:value`, `key:!value`) fit, for a while."""
        key: Key = request.state.key
        made = await run_in_threadpool(alerting.silence, asked.matchers, length(asked.length), asked.comment, key.name)
        return json_answer(silence_document(made, clock()))

    @routes.post("/silences/{silence_id}/end", responses={200: {"model": SilenceDocument}, **_NOT_THERE})
    async def end_silence(silence_id: str) -> Response:
        """End a silence now."""
        ended = await run_in_threadpool(alerting.end_silence, silence_id)
        return json_answer(silence_document(ended, clock()))
