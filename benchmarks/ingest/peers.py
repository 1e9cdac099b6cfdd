"""The servers of this comparison: where each takes spans, how many it says it has, and one question they all answer.

All is asked through public interfaces. The question is what every model used, in dollars where the server knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.exchange import get, post, post_json
from benchmarks.servers import COSTSPAN, MLFLOW, PHOENIX, VICTORIATRACES, Product

_EVER: Final = '{start:"2020-01-01T00:00:00Z",end:"2035-01-01T00:00:00Z"}'


@dataclass(frozen=True, slots=True)
class Peer:
    """A server and its doors. `share` of the requests is what it can take in a benchmark's time."""

    product: Product
    taken: Callable[[str], int]
    ask: Callable[[str], Any]
    share: float
    traces_path: str = "/v1/traces"
    headers: Mapping[str, str] = field(default_factory=dict)


def _spans_of_costspan(url: str) -> int:
    return int(get(f"{url}/api/v1/ingest").document["received_spans"])


def _models_of_costspan(url: str) -> Any:
    return get(f"{url}/api/v1/spend?group_by=model&since=2026-10-01&until=2027-01-01").document["rows"]


def _spans_of_phoenix(url: str) -> int:
    answer = _phoenix(url, "{projects{edges{node{recordCount}}}}")
    return sum(edge["node"]["recordCount"] for edge in answer["data"]["projects"]["edges"])


def _models_of_phoenix(url: str) -> Any:
    models = f"topModelsByCost(timeRange:{_EVER}){{name costSummary{{total{{cost}}}}}}"
    return _phoenix(url, f"{{projects{{edges{{node{{{models}}}}}}}}}")["data"]["projects"]


def _phoenix(url: str, query: str) -> Any:
    return post_json(f"{url}/graphql", {"query": query}).document


def _spans_of_mlflow(url: str) -> int:
    points = _mlflow(url, "span_count", "COUNT", [])
    return int(sum(sum(point["values"].values()) for point in points))


def _models_of_mlflow(url: str) -> Any:
    return _mlflow(url, "total_cost", "SUM", ["span_model_name"])


def _mlflow(url: str, metric: str, aggregation: str, dimensions: list[str]) -> Any:
    question = {
        "experiment_ids": ["0"],
        "view_type": "SPANS",
        "metric_name": metric,
        "aggregations": [{"aggregation_type": aggregation}],
        "dimensions": dimensions,
    }
    return post_json(f"{url}/api/3.0/mlflow/traces/metrics", question).document.get("data_points", [])


def _spans_of_victoriatraces(url: str) -> int:
    # The server writes a row for each trace besides, which has no span.
    answer = _victoriatraces(url, "span_id:* | stats count() n")
    return int(answer.document["n"]) if answer.body.strip() else 0


def _models_of_victoriatraces(url: str) -> Any:
    tokens = 'sum("span_attr:gen_ai.usage.input_tokens") i, sum("span_attr:gen_ai.usage.output_tokens") o'
    return _victoriatraces(url, f'* | stats by ("span_attr:gen_ai.request.model") {tokens}').body


def _victoriatraces(url: str, query: str) -> Any:
    body = urlencode({"query": query}).encode()
    return post(f"{url}/select/logsql/query", body, "application/x-www-form-urlencoded")


PEERS: Final = (
    Peer(COSTSPAN, _spans_of_costspan, _models_of_costspan, 1),
    Peer(
        VICTORIATRACES,
        _spans_of_victoriatraces,
        _models_of_victoriatraces,
        1,
        traces_path="/insert/opentelemetry/v1/traces",
    ),
    Peer(PHOENIX, _spans_of_phoenix, _models_of_phoenix, 0.05),
    Peer(MLFLOW, _spans_of_mlflow, _models_of_mlflow, 0.05, headers={"x-mlflow-experiment-id": "0"}),
)
