"""The tools of `costspan mcp`: the questions of the other commands, each answer with what it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from typing import Annotated, Any, Final, ParamSpec

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from costspan.cli.ask import Ledger, Parameters
from costspan.cli.price import document, overlays
from costspan.core.clock import system_clock
from costspan.core.errors import CostspanError
from costspan.core.period import parse_moment
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_usage

INSTRUCTIONS: Final = """What LLM calls cost, from a costspan ledger. All tools read; none changes anything.
Money is US dollars as exact decimal text; null is unknown, which is not zero. Say with every total what its
`completeness` leaves out. Keys: model, provider, feature, team, user, environment, service, session, agent, tool,
operation, mode, error_type, finish_reason, price_status, tag.NAME. Filters are key:value, key:!value (not) or key: (not
set). Times are ISO 8601, a month (2026-10) or an age (7d, 24h). For "what grew and why" ask `growth`."""

TOOLS: Final = (
    "spend", "growth", "calls", "trace", "budgets", "forecast", "anomalies", "whatif", "price", "completeness",
)  # fmt: skip

Keys = Annotated[str, Field(description="keys, comma separated, such as model,feature")]
Filters = Annotated[list[str] | None, Field(description="such as team:search, env:!dev")]
When = Annotated[str, Field(description="ISO 8601, a month or an age: 2026-10, 7d, 24h")]
Said = ParamSpec("Said")


class Questions:
    """The questions that are answered, of whatever ledger `open_ledger` finds."""

    def __init__(self, open_ledger: Callable[[], AbstractContextManager[Ledger]], config: str | None) -> None:
        self._open = open_ledger
        self._config = config

    def spend(
        self,
        group_by: Keys = "model",
        since: When = "30d",
        until: When = "",
        filters: Filters = None,
        interval: Annotated[str, Field(description="total, 1d or 1h")] = "total",
        limit: int = 20,
    ) -> dict[str, Any]:
        """What was spent: cost, calls, tokens, errors, latency, by any keys, in total or by day or hour."""
        asked = [("group_by", group_by), ("interval", interval), ("limit", str(limit))]
        return self._ask("/api/v1/spend", [*asked, *_when(since, until), *_filters(filters)])

    def growth(
        self,
        group_by: Keys = "feature",
        since: When = "7d",
        until: When = "",
        filters: Filters = None,
        limit: int = 5,
    ) -> dict[str, Any]:
        """Who grew most and why: spend beside the period before of the same length; the drivers (calls, retries, model
        mix, tokens a call, cache share, price, fees) add up to the change exactly, and who is behind it."""
        asked = [("group_by", group_by), ("limit", str(limit))]
        return self._ask("/api/v1/growth", [*asked, *_when(since, until), *_filters(filters)])

    def calls(
        self,
        since: When = "24h",
        until: When = "",
        filters: Filters = None,
        order: Annotated[str, Field(description="time (the latest first) or cost (the dearest first)")] = "cost",
        limit: int = 10,
    ) -> dict[str, Any]:
        """Single calls, the latest or dearest first: tokens, cost, the rate and why it matched, what they were for."""
        asked = [*_when(since, until), *_filters(filters)]
        with self._open() as ledger:
            page = ledger.ask("/api/v1/calls", [*asked, ("order", order), ("limit", str(limit))])
            return page | {"completeness": _completeness(ledger, asked)}

    def trace(self, trace_id: Annotated[str, Field(description="its hex id or the first 6 digits")]) -> dict[str, Any]:
        """One trace as a tree: what each span cost, what is not counted and why."""
        found = self._ask(f"/api/v1/traces/{trace_id}", [])
        total = found["total"]
        return found | {
            "completeness": {"priced_calls": total["billed_calls"], "unpriced_calls": total["unpriced_calls"]}
        }

    def budgets(self) -> dict[str, Any]:
        """Every budget: spent, left, what its period will come to, and whether it is spent faster than usual."""
        with self._open() as ledger:
            found = ledger.ask("/api/v1/budgets/outlook")
            first = min((each["since"] for each in found["budgets"]), default="30d")
            return found | {"completeness": _completeness(ledger, [("since", first)])}

    def forecast(
        self,
        period: Annotated[str, Field(description="month, week, day, or days that roll such as 30d")] = "month",
        group_by: Keys = "",
        filters: Filters = None,
    ) -> dict[str, Any]:
        """What the running month, week or day will come to: P10, P50, P90, and what that adds up."""
        return self._ask("/api/v1/forecast", [("period", period), ("group_by", group_by), *_filters(filters)])

    def anomalies(
        self, since: When = "7d", until: When = "", group_by: Keys = "feature", filters: Filters = None
    ) -> dict[str, Any]:
        """Who spent far more than they usually do, since when, expected and observed dollars, and the cause."""
        asked = [*_when(since, until), *_filters(filters)]
        with self._open() as ledger:
            found = ledger.ask("/api/v1/anomalies", [("group_by", group_by), ("explain", "true"), *asked])
            return found | {"completeness": _completeness(ledger, asked)}

    def whatif(
        self,
        from_model: Annotated[str, Field(description="the model whose calls are meant; all where empty")] = "",
        to_model: Annotated[str, Field(description="another model for them")] = "",
        to_provider: Annotated[str, Field(description="its provider, where several have it")] = "",
        mode: Annotated[str, Field(description="another mode: batch, flex, priority, standard")] = "",
        cache: Annotated[bool, Field(description="with caching, and what caching did")] = False,
        since: When = "30d",
        filters: Filters = None,
    ) -> dict[str, Any]:
        """What history would have cost under another model, in another mode or with caching: a range, with what it
        takes for granted. One of to_model, mode and cache."""
        said = {"from": from_model, "to": to_model, "to_provider": to_provider, "mode": mode}
        asked = [*said.items(), ("cache", "1" if cache else ""), *_when(since, ""), *_filters(filters)]
        return self._ask("/api/v1/whatif", [(name, value) for name, value in asked if value])

    def price(
        self,
        model: str,
        provider: str = "",
        mode: str = "standard",
        at: When = "now",
        quantities: Annotated[
            dict[str, int] | None,
            Field(description="by unit: input, cache_read, output, ...; a thousand each if none"),
        ] = None,
    ) -> dict[str, Any]:
        """The price of a model on a day, for so many tokens: which rate, why it matched, its source and date."""
        known = set(Unit)
        if unknown := sorted(set(quantities or {}) - known):
            raise ToolError(f"unknown units {', '.join(unknown)}; known: {', '.join(Unit)}")
        usage = {Unit(name): amount for name, amount in (quantities or {}).items()}
        priced = price_usage(
            load_rate_card(overlays(self._config)),
            Usage(usage or {Unit.INPUT: 1_000, Unit.OUTPUT: 1_000}),
            provider=provider or None,
            models=(model,),
            mode=mode,
            at=parse_moment(at, system_clock()),
        )
        missing = [str(unit) for unit in priced.unpriced_units]
        return document(priced) | {"completeness": {"unpriced_units": missing, "reason": priced.reason}}

    def completeness(self, since: When = "30d", until: When = "") -> dict[str, Any]:
        """What totals leave out: calls and tokens without a price or usage, by model and price status."""
        asked = [("group_by", "price_status,provider,model"), ("limit", "50"), ("order", "-unpriced_calls")]
        found = self._ask("/api/v1/spend", [*asked, *_when(since, until), ("filter", "price_status:!priced")])
        kept = ("price_status", "provider", "model", "calls", "unpriced_calls", "usage_missing_calls", "errors")
        with self._open() as ledger:
            return {
                "since": found["since"],
                "until": found["until"],
                "rows": [{name: row[name] for name in kept} for row in found["rows"]],
                "completeness": _completeness(ledger, _when(since, until)),
            }

    def _ask(self, path: str, parameters: Parameters) -> dict[str, Any]:
        with self._open() as ledger:
            return ledger.ask(path, parameters)


def tool(server: MCPServer[Any], question: Callable[Said, dict[str, Any]]) -> None:
    """Offer a question as a tool that only reads; what is wrong with it is said to the client."""

    @wraps(question)
    def asked(*args: Said.args, **kwargs: Said.kwargs) -> dict[str, Any]:
        try:
            return question(*args, **kwargs)
        except CostspanError as error:
            raise ToolError(str(error)) from error

    server.add_tool(asked, annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))


def _when(since: str, until: str) -> list[tuple[str, str]]:
    return [(name, text) for name, text in (("since", since), ("until", until)) if text]


def _filters(filters: Sequence[str] | None) -> list[tuple[str, str]]:
    return [("filter", text) for text in filters or ()]


def _completeness(ledger: Ledger, asked: Parameters) -> Any:
    return ledger.ask("/api/v1/spend", list(asked))["completeness"]
