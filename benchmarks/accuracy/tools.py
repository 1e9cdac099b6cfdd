"""The tools compared: how each takes a case in and shows what it cost, over its own public API."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import urlencode

from tests.corpus.corpus import Parameters, differences_of, question

from benchmarks.accuracy.reading import Reading
from benchmarks.accuracy.recorded import Body, Recorded
from benchmarks.exchange import get, post, post_json

NO_SUCH_SIGNAL = {404, 405}
NOT_NOW = {429, 502, 503, 504}
SAMPLED = "estimates nothing from samples"


class Tool(Protocol):
    """A server under test. `deliver` sends a case, `read` asks what it cost; both as often as wanted."""

    def deliver(self, case: Recorded) -> None: ...

    def read(self, case: Recorded) -> Reading: ...


class Costspan:
    """The ledger by service, which is the name of the case; a closer look also at counts, tokens and attribution."""

    def __init__(self, url: str) -> None:
        self._url = url

    def deliver(self, case: Recorded) -> None:
        """Send the requests as they were recorded."""
        for body in case.bodies:
            _send(self._url, body)

    def read(self, case: Recorded) -> Reading:
        """Ask for the spend by model; in a sampled case for the estimate."""
        document = self._ask(question(case.name, case.truth, "model"))
        total = document["total"]
        cost = (total["estimated_cost_usd"] if "sampling" in case.truth else None) or total["cost_usd"]
        return Reading(
            (None if cost is None else Decimal(cost),),
            sum(row["cost_usd"] is not None and Decimal(row["cost_usd"]) == 0 for row in document["rows"]),
            differences=tuple(differences_of(self._ask, case.name, case.truth)),
        )

    def _ask(self, parameters: Parameters) -> dict[str, Any]:
        answer = get(f"{self._url}/api/v1/spend?{urlencode(parameters)}")
        document: dict[str, Any] = answer.document
        return document


class Phoenix:
    """The sum of the traces of a case (GraphQL `Trace.costSummary`)."""

    _PROJECTS = "{projects{edges{node{id}}}}"
    _TRACE = (
        "query($project:ID!,$trace:ID!){node(id:$project){...on Project{trace(traceId:$trace){"
        "costSummary{total{cost}}}}}}"
    )

    def __init__(self, url: str) -> None:
        self._url = url
        self._refused: dict[str, str] = {}

    def deliver(self, case: Recorded) -> None:
        """Send the requests in protobuf, the only encoding Phoenix takes."""
        taken = [_send(self._url, body, protobuf=True) for body in case.bodies]
        if not any(taken):
            self._refused[case.name] = _signals(case)

    def read(self, case: Recorded) -> Reading:
        """Add up the traces that show a cost."""
        if inexpressible := _inexpressible(case, self._refused):
            return Reading(inexpressible=inexpressible)
        costs = [self._trace_cost(trace_id) for trace_id in case.trace_ids]
        return Reading((_sum(costs),), costs.count(Decimal(0)))

    def _trace_cost(self, trace_id: str) -> Decimal | None:
        projects = self._query(self._PROJECTS)["projects"]["edges"]
        if not projects:
            return None
        trace = self._query(self._TRACE, project=projects[0]["node"]["id"], trace=trace_id)["node"]["trace"]
        cost = trace and trace["costSummary"]["total"]["cost"]
        return None if cost is None else Decimal(str(cost))

    def _query(self, query: str, **variables: str) -> Any:
        document = post_json(f"{self._url}/graphql", {"query": query, "variables": variables}).document
        if document.get("errors"):
            raise RuntimeError(f"phoenix: {document['errors']}")
        return document["data"]


class MLflow:
    """An experiment for each case: cost in the traces' metadata, and the sum of its spans by the metrics API."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._experiments: dict[str, str] = {}
        self._refused: dict[str, str] = {}

    def deliver(self, case: Recorded) -> None:
        """Send the requests in protobuf to an experiment of their own."""
        name = {"name": f"{case.name} {time.time_ns()}"}
        experiment = post_json(f"{self._url}/api/2.0/mlflow/experiments/create", name).document["experiment_id"]
        self._experiments[case.name] = experiment
        headers = {"x-mlflow-experiment-id": experiment}
        taken = [_send(self._url, body, protobuf=True, headers=headers) for body in case.bodies]
        if not any(taken):
            self._refused[case.name] = _signals(case)

    def read(self, case: Recorded) -> Reading:
        """Add up the traces that show a cost, and ask for the sum over spans too."""
        if inexpressible := _inexpressible(case, self._refused):
            return Reading(inexpressible=inexpressible)
        traces = [self._trace_cost(trace_id) for trace_id in case.trace_ids]
        return Reading((_sum(traces), _sum(self._span_costs(case))), traces.count(Decimal(0)))

    def _trace_cost(self, trace_id: str) -> Decimal | None:
        answer = get(f"{self._url}/api/3.0/mlflow/traces/tr-{trace_id}")
        if answer.status != 200:
            return None
        metadata = answer.document["trace"]["trace_info"].get("trace_metadata", {})
        cost = metadata.get("mlflow.trace.cost")
        return Decimal(str(json.loads(cost)["total_cost"])) if cost else None

    def _span_costs(self, case: Recorded) -> list[Decimal | None]:
        asked = {
            "experiment_ids": [self._experiments[case.name]],
            "view_type": "SPANS",
            "metric_name": "total_cost",
            "aggregations": [{"aggregation_type": "SUM"}],
        }
        document = post_json(f"{self._url}/api/3.0/mlflow/traces/metrics", asked).document
        return [Decimal(str(next(iter(point["values"].values())))) for point in document.get("data_points", [])]


def _send(url: str, body: Body, *, protobuf: bool = False, headers: dict[str, str] | None = None) -> bool:
    """Send one request, again while the server cannot take it; return False where it has no place for the signal."""
    content = body.protobuf() if protobuf else body.content
    content_type = "application/json" if body.is_json and not protobuf else "application/x-protobuf"
    for attempt in range(20):
        answer = post(f"{url}/v1/{body.signal}", content, content_type, headers)
        if answer.status not in NOT_NOW:
            break
        time.sleep(0.2 * attempt)
    if answer.status not in {200, *NO_SUCH_SIGNAL}:
        raise RuntimeError(f"{url} refused {body.signal}: {answer.status} {answer.body[:200]!r}")
    return answer.status == 200


def _signals(case: Recorded) -> str:
    return "takes no " + " or ".join(sorted({body.signal for body in case.bodies}))


def _inexpressible(case: Recorded, refused: dict[str, str]) -> str:
    return refused.get(case.name, SAMPLED if "sampling" in case.truth else "")


def _sum(costs: list[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None
