"""`configure`: one call that makes an application's model calls carry their cost. Called at start-up, by hand or by
`costspan run`."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from costspan.core.attribution import Attribution
from costspan.sdk.attempts import AttemptCounter
from costspan.sdk.attribute_processor import AttributionProcessor
from costspan.sdk.calls_within import CallsWithin
from costspan.sdk.carry import carry_into_pools
from costspan.sdk.config import Config, read_config
from costspan.sdk.content import Redact, content_rule
from costspan.sdk.enrich import CostExporter
from costspan.sdk.exit_flush import ExitFlush
from costspan.sdk.exporters import OtlpCostExporter, chosen_exporters
from costspan.sdk.instrument import complete_clients, instrument_clients
from costspan.sdk.meter_provider import set_up_metrics
from costspan.sdk.metrics import CostMetrics
from costspan.sdk.price_span import SpanPricer
from costspan.sdk.propagator import InsideModelCalls, keep_baggage_from_providers
from costspan.sdk.safety import LOG, done_within, never_raise
from costspan.sdk.sampler import CountingSampler
from costspan.sdk.server_stop import send_as_servers_stop
from costspan.sdk.span_steps import SpanSteps
from costspan.sdk.tally import TalliedExporter, TallyWriter
from costspan.sdk.travel import TRAVEL
from costspan.sdk.user_pseudonym import installation_key, pseudonymous

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider

_BATCH_DELAY_MS: Final = 1_000
"""A cost is seen within seconds; OpenTelemetry's own default of 5 s is used where OTEL_BSP_SCHEDULE_DELAY says so."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What `configure` did. `active` is False where nothing will be recorded; `notes` say what and why."""

    active: bool
    notes: tuple[str, ...]
    processors: tuple[SpanProcessor, ...] = ()
    meters: MeterProvider | None = None
    """The meter provider, where it was set up here."""
    finish: Callable[[], None] = field(default=lambda: None, repr=False)
    """Send what is waiting and stop, within five seconds. Runs by itself when the program exits."""

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Send what is waiting, for programs that are frozen between requests. False where something is left.

        Returns after `timeout_s` seconds whatever the network does; what is left is sent when it comes back.
        """
        return _flushed(timeout_s, (*self.processors, *([self.meters] if self.meters else ())))


_lock: Final = threading.Lock()
_done: Configured | None = None


def configure(
    *,
    service_name: str | None = None,
    endpoint: str | None = None,
    feature: str | None = None,
    team: str | None = None,
    environment: str | None = None,
    exporter: SpanExporter | None = None,
    instrument: bool = True,
    redact: Redact | None = None,
) -> Configured:
    """Price and attribute this process's model calls and send them over OTLP. The first call decides for the process.

    Uses the application's own tracer provider where there is one. `feature`, `team` and `environment` are for calls
    that no `attribute` scope covers; `exporter` replaces the OTLP one. With `instrument=False` the clients are yours to
    instrument; what their instrumentations leave undone is done all the same. `redact(key, value)` is shown each prompt
    and answer that would leave where COSTSPAN_CAPTURE_CONTENT is on, and returns what may leave instead, None for
    nothing. Never raises and never waits for the network.
    """
    global _done  # noqa: PLW0603 - a process has one tracer provider
    with _lock:
        if _done is None:
            defaults = Attribution(feature=feature, team=team, environment=environment)
            _done = _configure(service_name, endpoint, defaults, exporter, redact, instrument=instrument)
            LOG.log(logging.INFO if _done.active else logging.WARNING, "costspan: %s", "; ".join(_done.notes))
        return _done


@never_raise(Configured(active=False, notes=("not configured: an error is logged above",)))
def _configure(
    service_name: str | None,
    endpoint: str | None,
    defaults: Attribution,
    exporter: SpanExporter | None,
    redact: Redact | None,
    *,
    instrument: bool,
) -> Configured:
    config = read_config(os.environ, service_name=service_name, endpoint=endpoint, defaults=defaults)
    if config.disabled:
        return Configured(active=False, notes=("OTEL_SDK_DISABLED is true: nothing is recorded",))
    provider, provider_note = _tracer_provider(config)
    if provider is None:
        return Configured(active=False, notes=(provider_note,))
    _count_before_sampling(provider)
    exporters = (exporter,) if exporter else chosen_exporters(config)
    processors = _processors(config, exporters, redact)
    for processor in processors:
        provider.add_span_processor(processor)
    meters = None if exporter else set_up_metrics(config, provider.resource)
    finish = ExitFlush(partial(_shut_down, (*processors, *([meters] if meters else ())))).now
    if config.capture_content:
        os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only")
    clients = instrument_clients(provider, config) if instrument else complete_clients(config)
    notes = (provider_note, _destination(config, exporters, replaced=exporter is not None), *clients)
    configured = Configured(active=True, notes=notes, processors=processors, meters=meters, finish=finish)
    send_as_servers_stop(configured.flush)
    return configured


def _tracer_provider(config: Config) -> tuple[TracerProvider | None, str]:
    existing = trace.get_tracer_provider()
    if isinstance(existing, TracerProvider):
        return existing, "joined the application's tracer provider"
    if not isinstance(existing, trace.ProxyTracerProvider):
        return None, f"{type(existing).__name__} takes no span processors: nothing is recorded"
    named = {"service.name": config.service_name} if config.service_name else {}
    # Left to itself the provider waits at exit for as long as its exporters retry.
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    trace.set_tracer_provider(provider)
    return provider, "tracing set up"


@never_raise(None)
def _count_before_sampling(provider: TracerProvider) -> None:
    # Before any tracer of a model client is made: a tracer keeps the sampler it was made with.
    provider.sampler = CountingSampler(provider.sampler)


def _processors(
    config: Config, exporters: tuple[SpanExporter, ...], redact: Redact | None
) -> tuple[SpanProcessor, ...]:
    pricer = SpanPricer()
    content = content_rule(config, redact)
    delay_ms = None if "OTEL_BSP_SCHEDULE_DELAY" in os.environ else _BATCH_DELAY_MS
    inside = InsideModelCalls()
    keep_baggage_from_providers(inside)
    counted = CostMetrics(pricer, config.metric_labels)
    wrapped = (CostExporter(each, pricer, content, config.error_outcomes, counted.record_waiting) for each in exporters)
    return (
        SpanSteps(
            inside,
            AttributionProcessor(config.defaults, _attribute(config)),
            AttemptCounter(),
            CallsWithin(pricer),
            counted,
            *([TallyWriter(config.tally_to, pricer)] if config.tally_to else []),
        ),
        *(BatchSpanProcessor(_tallied(each, config), schedule_delay_millis=delay_ms) for each in wrapped),
    )


def _tallied(exporter: SpanExporter, config: Config) -> SpanExporter:
    return TalliedExporter(exporter, config.tally_to) if config.tally_to else exporter


def _attribute(config: Config) -> Callable[[str], str]:
    """Set the process up for `attribute` and return how a user is named outside of it."""
    key = config.hash_key.encode() if config.hash_key else None
    name_user = pseudonymous(lambda: key or installation_key(config.key_folder)) if config.hash_users else str
    TRAVEL.dimensions, TRAVEL.name_user = config.travels, name_user
    if config.carry_into_pools:
        carry_into_pools()
    return name_user


def _shut_down(providers: Sequence[SpanProcessor | MeterProvider]) -> None:
    for provider in providers:
        never_raise(None)(provider.shutdown)()


@never_raise(otherwise=False)
def _flushed(timeout_s: float, providers: Sequence[SpanProcessor | MeterProvider]) -> bool:
    return done_within(timeout_s, *(provider.force_flush for provider in providers))


def _destination(config: Config, exporters: tuple[SpanExporter, ...], *, replaced: bool) -> str:
    if OtlpCostExporter.made and not exporters:
        return "spans leave through the exporter that OpenTelemetry set up"
    if replaced or not exporters:
        return "spans go to the given exporter" if replaced else "OTEL_TRACES_EXPORTER asks for no export"
    if config.record_to:
        return f"spans are recorded in {config.record_to}"
    return f"spans go to {config.endpoint or 'the endpoint OpenTelemetry is configured for'}"
