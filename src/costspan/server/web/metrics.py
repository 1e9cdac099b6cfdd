"""`/metrics`: the server's own health and the ledger's cost, in the Prometheus text format.

Names and labels are documented in docs/metrics.md. Counts are of this process, as counters are; what the ledger holds
is a gauge, since a correction may lower it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from costspan import __version__
from costspan.core.errors import StoreUnavailable
from costspan.core.money import PICO_PER_USD
from costspan.server.analytics.cost_series import LABELS, CostSeries, Series
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.receiver.intake import Intake
from costspan.server.store.ports import LedgerReader

if TYPE_CHECKING:
    from costspan.server.exporters.forwarder import Forwarder

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ServerMetrics:
    """The registry of one server; `commit_seconds` is told of each commit."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._commits = Histogram(
            "costspan_commit_duration_seconds",
            "Settling, pricing and storing the requests of one commit",
            buckets=_SECONDS,
            registry=self._registry,
        )
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def observe_commit(self, seconds: float) -> None:
        """Count a commit that took so long."""
        self._commits.observe(seconds)

    def watch(self, collector: Collector) -> None:
        """Show what `collector` says, too."""
        self._registry.register(collector)

    async def answer(self, _: Request) -> Response:
        """Answer `GET /metrics`."""
        text = await run_in_threadpool(generate_latest, self._registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"})


class IngestCollector(Collector):
    """What came in since the process started, and what is under way."""

    def __init__(self, counters: IngestCounters, pipeline: Pipeline, intake: Intake) -> None:
        self._counters = counters
        self._pipeline = pipeline
        self._intake = intake

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they stand."""
        counts = self._counters.read()
        yield _by("costspan_build_info", "The version that runs", "version", {__version__: 1}, GaugeMetricFamily)
        yield _counter("costspan_received_items", "Spans, log records and metric points", counts.received_spans)
        yield _counter("costspan_new_calls", "Model calls the ledger did not know", counts.calls)
        yield _counter("costspan_retransmitted_calls", "Model calls the ledger knew already", counts.retransmitted)
        yield _counter("costspan_other_items", "Items that are no model call", counts.other_spans)
        yield _by("costspan_refused_items", "Items refused for good", "reason", counts.refused)
        yield _by("costspan_refused_requests", "Requests refused whole", "reason", counts.refused_requests)
        used = self._intake.quotas.read()
        for name in ("requests", "spans", "bytes", "over_quota"):
            counted = {key: getattr(usage, name) for key, usage in used.items() if key}
            yield _by(f"costspan_key_{name}", f"What keys sent: {name}", "key", counted)
        yield _gauge("costspan_queue_requests", "Requests that wait for their commit", self._pipeline.waiting_requests)
        yield _gauge("costspan_in_flight_requests", "Requests decoded or waiting", self._intake.requests)
        yield _gauge("costspan_in_flight_bytes", "What requests in flight hold", self._intake.room.held_bytes)
        yield _gauge("costspan_pipeline_lag_seconds", "Age of the oldest request in flight", self._intake.lag_s)


class LedgerCollector(Collector):
    """What the ledger holds."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader
        self._costs = CostSeries(reader)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as the ledger says them."""
        try:
            costs, summary = self._costs.read(), self._reader.summary()
        except StoreUnavailable:
            yield _gauge("costspan_ledger_up", "1 where the ledger can be read", 0)
            return
        yield _gauge("costspan_ledger_up", "1 where the ledger can be read", 1)
        yield _costed(CounterMetricFamily, "costspan_cost_usd", "Spent since the process started", costs.spent)
        yield _costed(GaugeMetricFamily, "costspan_ledger_cost_usd", "Cost of all calls in the ledger", costs.standing)
        calls = {
            "billed": costs.total.billed_calls,
            "unpriced": costs.total.unpriced_calls,
            "failed": costs.total.errors,
            "duplicate": costs.total.duplicate_calls,
        }
        yield _by("costspan_ledger_calls", "Calls in the ledger", "state", calls, GaugeMetricFamily)
        dialects = summary.dialects
        yield _by("costspan_dialect_calls", "Calls in the ledger by dialect", "dialect", dialects, GaugeMetricFamily)


class ForwardCollector(Collector):
    """How far what is forwarded has come."""

    def __init__(self, forwarders: Sequence[Forwarder]) -> None:
        self._forwarders = forwarders

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics by target."""
        try:
            found = [forwarder.progress for forwarder in self._forwarders]
        except StoreUnavailable:
            return
        sent, refused = ({each.target: getattr(each, name) for each in found} for name in ("sent", "refused"))
        yield _by("costspan_forwarded_records", "Records a target took", "target", sent)
        yield _by("costspan_forward_refused_records", "Records a target refused for good", "target", refused)
        lags = GaugeMetricFamily("costspan_forward_lag_seconds", "Age of what a target has not got", labels=["target"])
        for each in found:
            lags.add_metric([each.target], each.lag_s)
        yield lags


Family = type[CounterMetricFamily] | type[GaugeMetricFamily]


def _counter(name: str, text: str, value: int) -> Metric:
    return CounterMetricFamily(name, text, value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _by(name: str, text: str, label: str, values: Mapping[str, int], family: Family = CounterMetricFamily) -> Metric:
    metric = family(name, text, labels=[label])
    for value, count in values.items():
        metric.add_metric([value], count)
    return metric


def _costed(family: Family, name: str, text: str, costs: Mapping[Series, int]) -> Metric:
    metric = family(name, text, labels=LABELS)
    for series, cost in costs.items():
        metric.add_metric(series, cost / PICO_PER_USD)
    return metric
