"""A month of plausible LLM traffic with six stories in it, the same for the same seed and moment.

`costspan demo` sends it through the real receiver. The stories: a contract price that changes 12 days ago, a storm of
rate limits and retries, a model no price list knows, a feature whose prompts triple, several dialects in one service,
an agent whose calls its framework and its client both report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from costspan.core.attribution import Attribution
from costspan.core.call import Call, UsageState
from costspan.core.clock import NS_PER_S, ns_from_utc
from costspan.core.period import Period, iso
from costspan.core.record import SpanRecord
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.testing.demo_traffic_company import (
    COMPANY,
    ENVIRONMENT_WEIGHTS,
    ENVIRONMENTS,
    RUNAWAY_FEATURE,
    STORM_FEATURE,
    UNPRICED_FEATURE,
    UNPRICED_OFFER,
    USER_WEIGHTS,
    USERS,
    WEEKDAYS,
    Feature,
    Offer,
)
from costspan.testing.spans import database_span, http_server_span, pydantic_ai, pydantic_ai_run, tool_span

HOUR = timedelta(hours=1)
HOUR_NS = 3_600 * NS_PER_S
LARGEST_CONTEXT = 900_000
"""Below the million tokens that the largest models take."""
_ERRORS = ("RateLimitError", "APITimeoutError", "InternalServerError")
_ERROR_SHARES = (0.5, 0.8, 1.0)
_TOOLS = ("search_documents", "read_page", "run_query")
_TOOL_SHARES = (0.55, 0.85, 1.0)


@dataclass(frozen=True, slots=True)
class Stories:
    """When each story of the demo happens, counted back from `now`."""

    price_change_at: datetime
    storm: Period
    unpriced_since: datetime
    runaway_since: datetime

    @classmethod
    def before(cls, now: datetime) -> Stories:
        """Return the stories of the days before `now`."""
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        storm_at = today - timedelta(days=5) + timedelta(hours=14)
        return cls(
            price_change_at=today - timedelta(days=12),
            storm=Period(storm_at, storm_at + 2 * HOUR),
            unpriced_since=today - timedelta(days=9),
            runaway_since=now.replace(minute=0, second=0, microsecond=0) - timedelta(days=2),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTraffic:
    """A plan of traffic. `calls_per_day` is a weekly mean; `steady` drops the seasons of day and week."""

    now: datetime
    calls_per_day: int = 1_850
    seed: int = 7
    steady: bool = False

    def spans(self, since: datetime, until: datetime) -> Iterator[SpanRecord]:
        """Yield the spans of calls that start at or after `since` and end before `until`, hour by hour by their end."""
        stories = Stories.before(self.now)
        since_ns, until_ns = ns_from_utc(since), ns_from_utc(until)
        hour = since.replace(minute=0, second=0, microsecond=0)
        while hour < until:
            spans = [
                span
                for traces in self._hour(hour, stories)
                for span in traces
                if span.start_ns >= since_ns and span.end_ns < until_ns
            ]
            yield from sorted(spans, key=lambda span: span.end_ns)
            hour += HOUR

    def _hour(self, hour: datetime, stories: Stories) -> Iterator[list[SpanRecord]]:
        chance = Random(f"{self.seed} {self.calls_per_day} {self.steady} {iso(hour)}")  # noqa: S311  # not a secret
        for feature in COMPANY:
            mean = self.calls_per_day / 24 * feature.share_of_calls
            if not self.steady:
                mean *= feature.hours[hour.hour] * WEEKDAYS[hour.weekday()]
            if feature.name == STORM_FEATURE and hour in stories.storm:
                mean *= 3
            for _ in range(_count(mean, chance)):
                yield _Operation(feature, hour, stories, chance).spans()


class _Operation:
    """One thing a user did: the request, the call it needed with its failed attempts, sometimes a query."""

    def __init__(self, feature: Feature, hour: datetime, stories: Stories, chance: Random) -> None:
        self.feature, self.stories, self.chance = feature, stories, chance
        self.at_ns = ns_from_utc(hour) + int(chance.random() * HOUR_NS)
        self.trace_id = self._id(128)
        self.in_storm = feature.name == STORM_FEATURE and hour in stories.storm
        self.runaway = feature.name == RUNAWAY_FEATURE and hour >= stories.runaway_since
        self.offer = self._offer(hour)
        user = chance.choices(USERS, cum_weights=USER_WEIGHTS)[0]
        self.who = Attribution(
            service=feature.service,
            environment=chance.choices(ENVIRONMENTS, cum_weights=ENVIRONMENT_WEIGHTS)[0],
            feature=feature.name,
            team=feature.team,
            user_id=user,
            session=f"s-{user}-{hour:%m%d}-{hour.hour // 4}",
        )

    def spans(self) -> list[SpanRecord]:
        """Return every span of the operation, calls first."""
        chance = self.chance
        has_request = self.in_storm or chance.random() < 0.14
        request_id = self._id(64) if has_request else None
        step_id = self._id(64) if self.offer.in_agent else None
        started_ns = self.at_ns
        failures = self._failed_attempts()
        calls: list[Call] = []
        for attempt in range(1, failures + 2):
            gave_up = attempt == failures + 1 and self.in_storm and chance.random() < 0.2
            call = self._call(attempt, started_ns, step_id or request_id, failed=attempt <= failures or gave_up)
            calls.append(call)
            started_ns = call.ended_at_ns + int((0.5 + chance.random()) * attempt * NS_PER_S)
        spans = [self.offer.told_by(call) for call in calls]
        if step_id:
            spans += self._agent_spans(calls, step_id, request_id)
        if request_id:
            spans.append(self._request_span(request_id, calls[-1].ended_at_ns))
        if chance.random() < 0.07:
            spans.append(self._query_span(request_id))
        return spans

    def _agent_spans(self, attempts: list[Call], step_id: str, request_id: str | None) -> list[SpanRecord]:
        """Return what the framework reports: the model request, as its last attempt ended, and the run above it."""
        began_ns, last, run_id = attempts[0].started_at_ns, attempts[-1], self._id(64)
        told = replace(last, started_at_ns=began_ns - 1_000_000, ended_at_ns=last.ended_at_ns + 1_000_000)
        step = replace(told, span_id=step_id, parent_span_id=run_id)
        tools = self._tool_spans(run_id, began_ns - 2_000_000)
        run_from_ns = min(span.start_ns for span in tools) - 1_000_000 if tools else told.started_at_ns
        run = replace(told, span_id=run_id, parent_span_id=request_id, started_at_ns=run_from_ns)
        return [*tools, pydantic_ai(step), pydantic_ai_run(run, [step])]

    def _tool_spans(self, run_id: str, until_ns: int) -> list[SpanRecord]:
        """Return the tools an agent ran before the request that reads their results."""
        chance, spans = self.chance, []
        for _ in range(chance.choices((0, 1, 2, 3), cum_weights=(0.3, 0.7, 0.9, 1))[0]):
            [tool] = chance.choices(_TOOLS, cum_weights=_TOOL_SHARES)
            started_ns = until_ns - int(chance.lognormvariate(-0.5, 0.8) * NS_PER_S)
            failed = chance.random() < (0.09 if tool == "run_query" else 0.015)
            spans.append(
                tool_span(
                    trace_id=self.trace_id,
                    span_id=self._id(64),
                    parent_span_id=run_id,
                    start_ns=started_ns,
                    end_ns=until_ns,
                    who=self.who,
                    tool=tool,
                    error_type="TimeoutError" if failed else None,
                )
            )
            until_ns = started_ns - 1_000_000
        return spans

    def _failed_attempts(self) -> int:
        if self.in_storm:
            return self.chance.choices((0, 1, 2, 3, 4), cum_weights=(0.1, 0.3, 0.6, 0.85, 1))[0]
        return 1 if self.chance.random() < 0.012 else 0

    def _call(self, attempt: int, started_ns: int, parent_id: str | None, *, failed: bool) -> Call:
        chance, offer = self.chance, self.offer
        usage = Usage() if failed else Usage(self._quantities())
        error = self._error() if failed else None
        ttft_s = min(20.0, chance.lognormvariate(-0.7, 0.5))
        lasts_s = chance.lognormvariate(-1, 0.6) if failed else ttft_s + usage.output_tokens / chance.uniform(55, 110)
        streamed = chance.random() < self.feature.streamed_share
        silent = streamed and not failed and offer.provider == "openai" and chance.random() < 0.02
        return Call(
            trace_id=self.trace_id,
            span_id=self._id(64),
            parent_span_id=parent_id,
            started_at_ns=started_ns,
            ended_at_ns=started_ns + int(lasts_s * NS_PER_S),
            dialect="",
            operation=offer.operation,
            provider=offer.provider,
            requested_model=offer.model,
            response_model=None if failed else offer.answered_by,
            response_id=None if failed else f"{'msg_' if offer.provider == 'anthropic' else 'chatcmpl-'}{self._id(64)}",
            server_address=offer.server,
            mode=offer.mode,
            usage=usage,
            usage_state=UsageState.MISSING if silent else UsageState.REPORTED,
            finish_reason=None if failed else self._finish_reason(),
            error_type=error,
            streamed=streamed,
            time_to_first_chunk_s=round(ttft_s, 4) if streamed and not failed else None,
            attempt=attempt,
            attribution=self.who,
        )

    def _quantities(self) -> dict[Unit, int]:
        feature, chance = self.feature, self.chance
        spread = 0.5 if self.offer.operation != "embeddings" else 0.9
        wanted = int(feature.input_tokens * chance.lognormvariate(-0.12, spread)) * (3 if self.runaway else 1) + 12
        context = min(wanted, LARGEST_CONTEXT)
        if self.offer.operation == "embeddings":
            return {Unit.INPUT: context}
        # Providers cache whole blocks of 128 tokens (OpenAI's documentation of prompt caching).
        cached = int(context * min(0.97, feature.cached_share * chance.uniform(0, 2))) // 128 * 128
        written = int((context - cached) * feature.written_share * chance.uniform(0, 2))
        kept_longer = Unit.CACHE_WRITE_1H if chance.random() < 0.2 else Unit.CACHE_WRITE_5M
        output = int(feature.output_tokens * chance.lognormvariate(-0.18, 0.6)) + 3
        reasoning = int(output * min(0.95, feature.reasoning_share * chance.uniform(0.6, 1.4)))
        return {
            Unit.INPUT: context - cached - written,
            Unit.CACHE_READ: cached,
            kept_longer: written,
            Unit.OUTPUT: output - reasoning,
            Unit.REASONING: reasoning,
        }

    def _offer(self, hour: datetime) -> Offer:
        if self.feature.name == UNPRICED_FEATURE and hour >= self.stories.unpriced_since:
            return UNPRICED_OFFER
        weights = [offer.weight for offer in self.feature.offers]
        return self.chance.choices(self.feature.offers, weights)[0]

    def _error(self) -> str:
        kind = _ERRORS[0] if self.in_storm else self.chance.choices(_ERRORS, cum_weights=_ERROR_SHARES)[0]
        return f"{'anthropic' if self.offer.provider == 'anthropic' else 'openai'}.{kind}"

    def _finish_reason(self) -> str:
        return self.chance.choices(("stop", "length", "content_filter"), cum_weights=(0.974, 0.997, 1))[0]

    def _request_span(self, span_id: str, end_ns: int) -> SpanRecord:
        return http_server_span(
            trace_id=self.trace_id,
            span_id=span_id,
            start_ns=self.at_ns - 4_000_000,
            end_ns=end_ns + 3_000_000,
            who=self.who,
            route=f"/api/{self.feature.name}",
        )

    def _query_span(self, parent_id: str | None) -> SpanRecord:
        return database_span(
            trace_id=self.trace_id,
            span_id=self._id(64),
            parent_span_id=parent_id,
            start_ns=self.at_ns - 3_000_000,
            end_ns=self.at_ns - 1_000_000,
            who=self.who,
        )

    def _id(self, bits: int) -> str:
        # An id of zeros only is invalid in OTLP; setting the lowest bit rules it out.
        return f"{self.chance.getrandbits(bits) | 1:0{bits // 4}x}"


def _count(mean: float, chance: Random) -> int:
    # Near enough to Poisson for any mean, and cheap: spread of its square root, fraction settled by chance.
    return max(0, int(chance.gauss(mean, mean**0.5) + chance.random()))


def price_overlay(now: datetime) -> str:
    """Return the `costspan.yaml` of the demo: budgets, alerts, and a contract that makes gpt-5.4 a fifth cheaper from
    12 days ago on."""
    since = Stories.before(now.astimezone(UTC)).price_change_at
    return (
        "budgets:\n"
        "  - {name: everything, amount_usd: 12000, period: month}\n"
        "  - {name: docs-monthly, scope: {team: docs}, amount_usd: 3500, period: month}\n"
        "  - {name: search-30-days, scope: {team: search}, amount_usd: 3000, period: 30d}\n"
        "alerts:\n"
        "  - {name: daily-spend, measure: cost, window: 24h, above: 600, severity: critical}\n"
        "  - {name: rate-limits, measure: errors, where: {error_type: rate_limit}, window: 5m, above: 5,"
        " group_by: [feature]}\n"
        "  - {name: slow-answers, measure: latency_p95, window: 1h, above: 10s, group_by: [feature],"
        " min_samples: 20, for: 10m}\n"
        "  - {name: without-price, measure: unpriced_calls, window: 30d, above: 0, group_by: [response_model],"
        " severity: info}\n"
        "# The demo's contract: gpt-5.4 a fifth below list price from this day on.\n"
        "prices:\n"
        f"  - {{provider: openai, model: gpt-5.4, from: {since:%Y-%m-%d},"
        ' input: "2.00", cache_read: "0.20", output: "12.00", basis: contract}\n'
    )


def late_price_overlay(now: datetime) -> str:
    """Return what is added to that `costspan.yaml` once the history is in: a rebate agreed today, back-dated five days.

    The ledger does not know it before `costspan reprice` is asked for.
    """
    return (
        "  # Agreed after these calls were made: costspan reprice --dry-run shows what it changes.\n"
        f"  - {{provider: google, model: gemini-2.5-pro, from: {now.astimezone(UTC) - timedelta(days=5):%Y-%m-%d},"
        ' multiply: "0.9", basis: contract}\n'
    )
