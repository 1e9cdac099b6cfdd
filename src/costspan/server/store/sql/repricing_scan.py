"""What a new price list changes, found by column: integer products of the unit columns with joined rates.

The names that were sent are resolved once each by the same matcher that prices a single call; rates that are no whole
pico-dollars a unit take that path too. Both give the same figures to the last digit (tests hold them to it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from costspan.core.call import Role, Signal
from costspan.core.period import Period
from costspan.core.units import (
    CACHE_READ_UNITS,
    CACHE_WRITE_UNITS,
    INPUT_UNITS,
    OUTPUT_UNITS,
    Unit,
)
from costspan.pricing.rate_card import RateCard
from costspan.pricing.rate_rows import RateBands, rate_bands
from costspan.server.store.columns import Kind
from costspan.server.store.priced_call import PRICING_COLUMNS, RESULTS, results, verdict
from costspan.server.store.repricing import MonthChange, RepricingPlan, Scope, UnpricedModel
from costspan.server.store.sql.conditions import conditions
from costspan.server.store.sql.dialect import Ask, AskGiven, Dialect, Given
from costspan.server.store.sql.standing import reach, standing

_NAMES: Final = ("sent_provider", "requested_model", "response_model", "mode")
_TOLD: Final = ("entry_id", "started_at", "role", "call_count", "cost", "new_cost", "new_model")
_BIGINT: Final = 2**62
_CHUNK: Final = 10_000
_OWNS: Final = f"role = '{Role.OWNER}'"

_CHANGES: Final = f"""SELECT date_trunc('month', started_at) AS month, new_model,
coalesce(sum(call_count) FILTER (WHERE {_OWNS}), 0)::BIGINT, {{old}}, {{new}},
coalesce(sum(call_count) FILTER (WHERE {_OWNS} AND cost IS NULL AND new_cost IS NOT NULL), 0)::BIGINT,
coalesce(sum(call_count) FILTER (WHERE {_OWNS} AND cost IS NOT NULL AND new_cost IS NULL), 0)::BIGINT,
count(*) FILTER (WHERE NOT {_OWNS}), array_agg(entry_id)
FROM ({{changed}}) AS changed GROUP BY month, new_model"""

_UNPRICED: Final = """SELECT coalesce(nullif(response_model, ''), nullif(requested_model, '')) AS sent_model,
sent_provider, price_status, argMax(price_reason, started_at), sum(call_count)::BIGINT AS busy, {tokens},
min(started_at), max(started_at) FROM calls
WHERE {stands} AND role = 'owner' AND error_type IS NULL AND price_status IN ('unpriced', 'partial')
AND {where} GROUP BY sent_model, sent_provider, price_status
ORDER BY busy DESC, sent_model, sent_provider, price_status"""


@dataclass(slots=True)
class _Change:
    """What is counted for one month and model."""

    calls: int = 0
    old_cost: int | None = None
    new_cost: int | None = None
    newly_priced: int = 0
    newly_unpriced: int = 0
    uncounted: int = 0

    def add(
        self,
        calls: int,
        old_cost: int | None,
        new_cost: int | None,
        newly_priced: int,
        newly_unpriced: int,
        uncounted: int,
    ) -> None:
        """Count more of it."""
        self.calls += int(calls)
        self.old_cost = _sum(self.old_cost, old_cost)
        self.new_cost = _sum(self.new_cost, new_cost)
        self.newly_priced += int(newly_priced)
        self.newly_unpriced += int(newly_unpriced)
        self.uncounted += int(uncounted)


Changes = dict[tuple[str, str | None], _Change]


def plan(ask: AskGiven, dialect: Dialect, card: RateCard, scope: Scope) -> RepricingPlan:
    """Return every entry that stands in `scope` and has another result under `card`."""
    stands, of_standing = standing(*reach(dialect, scope.period))
    where, used_values = conditions(dialect, scope.period, scope.filters)
    asked, values = f"FROM calls WHERE {stands} AND {where}", [*of_standing, *used_values]
    # A name can be of no use to a join when NULL, so keys travel with their NULLs and are compared as such.
    names = ask(f"SELECT DISTINCT {', '.join(_NAMES)} {asked}", values, {})
    keys = [(number, sent, _bands(card, sent)) for number, sent in enumerate(names)]
    [(examined, *most)] = ask(
        f"SELECT count(*), {', '.join(f'coalesce(max(q_{unit}), 0)' for unit in Unit)} {asked}", values, {}
    )
    used = dict(zip(Unit, most, strict=True))
    given = {"price_keys": _price_keys(keys), "price_rates": _price_rates(keys)}
    changed = _changes(dialect, _scan(dialect, asked, used, keys))
    changes: Changes = {}
    entry_ids: list[int] = []
    for month, model, *counted, ids in ask(changed, values, given):
        changes.setdefault((f"{month:%Y-%m}", model), _Change()).add(*counted)
        entry_ids += ids
    if any(not bands.whole for _, _, bands in keys):
        entry_ids += _add_scalar(ask, card, (asked, values), given["price_keys"], changes)
    return RepricingPlan(card.version, examined, sorted(entry_ids), _in_order(changes))


def unpriced(ask: Ask, dialect: Dialect, period: Period) -> list[UnpricedModel]:
    """Return the models of calls that succeeded without a full price, the busiest first."""
    where, values = conditions(dialect, period, ())
    stands, of_standing = standing(*reach(dialect, period))
    query = _UNPRICED.format(where=where, stands=stands, tokens=dialect.total("tokens", None))
    return [
        UnpricedModel(
            model=model,
            provider=provider,
            price_status=price_status,
            reason=reason,
            calls=calls,
            tokens=int(tokens),
            first_seen=first_seen.replace(tzinfo=UTC),
            last_seen=last_seen.replace(tzinfo=UTC),
        )
        for model, provider, price_status, reason, calls, tokens, first_seen, last_seen in ask(
            query, [*of_standing, *values]
        )
    ]


def _bands(card: RateCard, sent: Sequence[str | None]) -> RateBands:
    provider, requested, response, mode = sent
    models = tuple(dict.fromkeys(name for name in (response, requested) if name))
    return rate_bands(card, (provider, models, mode or ""))


Keys = list[tuple[int, tuple[str | None, ...], RateBands]]


def _price_keys(keys: Keys) -> Given:
    kinds = {
        "key_id": Kind.WHOLE,
        **{f"k_{name}": Kind.TEXT for name in (*_NAMES, "provider", "model")},
        "whole": Kind.TRUTH,
    }
    return Given(kinds, [(key, *sent, bands.provider, bands.model, bands.whole) for key, sent, bands in keys])


def _price_rates(keys: Keys) -> Given:
    numbers = ("start_us", "end_us", "week_from", "week_to", "over", "up_to")
    kinds = {
        "r_key": Kind.WHOLE,
        **dict.fromkeys(numbers, Kind.WHOLE),
        **dict.fromkeys(("r_model", "plain_model"), Kind.TEXT),
        **dict.fromkeys(("free", "assumed"), Kind.TRUTH),
        **{f"{letter}_{unit}": Kind.WHOLE for unit in Unit for letter in "cl"},
    }
    rows = []
    for key, band in ((key, band) for key, _, bands in keys if bands.whole for band in bands.bands):
        rates = [band.rates.get(unit) for unit in Unit]
        told = [figure for rate in rates for figure in ((rate.numerator, rate.list_numerator) if rate else (None,) * 2)]
        within = (getattr(band, name) for name in numbers)
        rows.append((key, *within, band.model, band.plain_model, band.free, band.assumed, *told))
    return Given(kinds, rows)


def _changes(dialect: Dialect, changed: str) -> str:
    old, new = (
        f"CASE WHEN count({cost}) FILTER (WHERE {_OWNS}) > 0 THEN {dialect.total(cost, _OWNS)} END"
        for cost in ("cost", "new_cost")
    )
    return _CHANGES.format(changed=changed, old=old, new=new)


def _scan(dialect: Dialect, asked: str, used: dict[Unit, int], keys: Keys) -> str:
    """Return the query for all changed entries whose rates are whole numbers."""
    units = tuple(unit for unit, most in used.items() if most)
    wide = "::Int128" if _may_overflow(used, keys) else ""

    def total(letter: str, over: Sequence[Unit]) -> str:
        return " + ".join([f"coalesce(q_{unit}{wide} * {letter}_{unit}, 0)" for unit in over if unit in units] or ["0"])

    def some(condition: str) -> str:
        return " OR ".join([f"(q_{unit} > 0 AND c_{unit} IS {condition})" for unit in units] or ["false"])

    any_used = " OR ".join([f"q_{unit} > 0" for unit in units] or ["false"])
    fee = "CASE WHEN q_request = 0 AND NOT free THEN {}_request ELSE 0 END"
    week = "(floor(us / 60000000)::BIGINT + 4320) % 10080"
    context = " + ".join(f"q_{unit}" for unit in INPUT_UNITS)
    needed = dict.fromkeys(
        ["entry_id", "started_at", "role", "call_count", *RESULTS, *_NAMES, "usage_state", "error_type"]
    )
    quantities = ", ".join(f"q_{unit}" for unit in Unit)
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM k_{name}" for name in _NAMES)
    return f"""WITH asked AS (SELECT {", ".join(needed)}, {quantities}, {dialect.micros("started_at")} AS us,
  CASE WHEN signal = '{Signal.METRIC}' THEN 0 ELSE {context} END AS context {asked}),
looked_up AS (SELECT * FROM asked JOIN price_keys ON {same} AND whole LEFT JOIN price_rates ON r_key = key_id
  AND us >= start_us AND us < end_us AND {week} >= week_from AND {week} < week_to AND context > over
  AND context <= up_to),
measured AS (SELECT *, usage_state IN ('reported', 'assumed') AND (error_type IS NULL OR {any_used}) AS asks,
  r_key IS NOT NULL AS listed, {some("NULL")} AS lacks,
  {some("NOT NULL")} OR (q_request = 0 AND NOT free AND c_request IS NOT NULL) AS charged,
  {total("c", list(Unit))} + coalesce({fee.format("c")}, 0) AS t_cost,
  {total("l", list(Unit))} + coalesce({fee.format("l")}, 0) AS t_list_cost,
  {total("c", INPUT_UNITS)} AS t_input_cost, {total("c", CACHE_READ_UNITS)} AS t_cache_read_cost,
  {total("c", CACHE_WRITE_UNITS)} AS t_cache_write_cost, {total("c", OUTPUT_UNITS)} AS t_output_cost,
  {_savings(wide)} AS t_cache_savings FROM looked_up),
judged AS (SELECT *, CASE WHEN NOT asks THEN price_status WHEN NOT listed OR (lacks AND NOT charged) THEN 'unpriced'
  WHEN lacks THEN 'partial' WHEN free THEN 'free' WHEN assumed OR usage_state = 'assumed' THEN 'assumed'
  ELSE 'priced' END AS new_price_status FROM measured),
decided AS (SELECT *, coalesce(k_provider, sent_provider) AS new_provider,
  coalesce(CASE WHEN NOT listed THEN k_model WHEN asks THEN r_model ELSE plain_model END, nullif(response_model, ''),
    nullif(requested_model, '')) AS new_model,
  asks AND new_price_status <> 'unpriced' AS has_cost FROM judged),
valued AS (SELECT *, {_valued()} FROM decided)
SELECT {", ".join(_TOLD)} FROM valued
WHERE {" OR ".join(f"new_{name} IS DISTINCT FROM {name}" for name in RESULTS)}"""


def _valued() -> str:
    sums = ("cost", "list_cost", "input_cost", "cache_read_cost", "cache_write_cost", "output_cost", "cache_savings")
    columns = [f"CASE WHEN has_cost THEN t_{name} END::BIGINT AS new_{name}" for name in sums]
    fee = "CASE WHEN has_cost THEN t_cost - t_input_cost - t_output_cost END::BIGINT AS new_fee_cost"
    return ", ".join([*columns, fee])


def _savings(wide: str) -> str:
    pairs = ((Unit.CACHE_READ, Unit.INPUT), (Unit.CACHE_READ_AUDIO, Unit.INPUT_AUDIO))
    return " + ".join(
        f"CASE WHEN q_{unit} > 0 THEN q_{unit}{wide} * (c_{full} - c_{unit}) ELSE 0 END" for unit, full in pairs
    )


def _may_overflow(used: dict[Unit, int], keys: Keys) -> bool:
    """Tell whether the dearest rate of every unit times the most that was used of it passes 62 bits in sum."""
    dearest = dict.fromkeys(Unit, 0)
    for _, _, bands in keys:
        for band in bands.bands:
            for unit, rate in band.rates.items():
                dearest[unit] = max(dearest[unit], rate.numerator, rate.list_numerator)
    return sum(max(most, 1) * dearest[unit] for unit, most in used.items()) >= _BIGINT


def _add_scalar(
    ask: AskGiven, card: RateCard, asked: tuple[str, list[Any]], price_keys: Given, changes: Changes
) -> Iterator[int]:
    """Count the changed entries of the keys that have a rate finer than a pico-dollar, priced one by one."""
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM k_{name}" for name in _NAMES)
    names = tuple(dict.fromkeys(["entry_id", "started_at", "role", "call_count", *PRICING_COLUMNS, *RESULTS]))
    (rows, values), after = asked, 0
    query = (
        f"SELECT {', '.join(names)} FROM (SELECT * {rows} AND entry_id > ?) AS asked JOIN price_keys ON {same} "
        f"WHERE NOT whole ORDER BY entry_id LIMIT {_CHUNK}"
    )
    while found := ask(query, [*values, after], {"price_keys": price_keys}):
        for row in (dict(zip(names, each, strict=True)) for each in found):
            new = results(verdict(row, card), row)
            if new != {name: row[name] for name in RESULTS}:
                _count(changes, row, new)
                yield row["entry_id"]
        after = found[-1][0]


def _count(changes: Changes, row: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    change = changes.setdefault((f"{row['started_at']:%Y-%m}", new["model"]), _Change())
    if row["role"] != Role.OWNER:
        change.add(0, None, None, 0, 0, 1)
        return
    calls, old_cost, new_cost = row["call_count"], row["cost"], new["cost"]
    was, is_now = old_cost is not None, new_cost is not None
    change.add(calls, old_cost, new_cost, calls if is_now and not was else 0, calls if was and not is_now else 0, 0)


def _in_order(changes: Changes) -> list[MonthChange]:
    def place(key: tuple[str, str | None]) -> tuple[str, bool, str]:
        return key[0], key[1] is None, key[1] or ""

    return [
        MonthChange(
            month=month,
            model=model,
            calls=told.calls,
            old_cost=told.old_cost,
            new_cost=told.new_cost,
            newly_priced=told.newly_priced,
            newly_unpriced=told.newly_unpriced,
            uncounted=told.uncounted,
        )
        for (month, model), told in ((key, changes[key]) for key in sorted(changes, key=place))
    ]


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else (one or 0) + int(other)
