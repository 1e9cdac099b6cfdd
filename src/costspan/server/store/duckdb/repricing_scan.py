"""What a new price list changes, found by column: integer products of the unit columns with joined rates.

The names that were sent are resolved once each by the same matcher that prices a single call; rates that are no whole
pico-dollars a unit take that path too. Both give the same figures to the last digit (tests hold them to it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any, Final

import duckdb
from arro3.core import DataType

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
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.priced_call import PRICING_COLUMNS, RESULTS, results, verdict
from costspan.server.store.repricing import MonthChange, RepricingPlan, Scope, UnpricedModel
from costspan.server.store.sql.conditions import conditions
from costspan.server.store.sql.dialect import DUCKDB

STANDING: Final = "sign > 0 AND entry_id NOT IN (SELECT entry_id FROM calls WHERE sign < 0)"
_NAMES: Final = ("sent_provider", "requested_model", "response_model", "mode")
_CHANGED: Final = ("entry_id", "started_at", "role", "call_count", *RESULTS, *(f"new_{name}" for name in RESULTS))
_BIGINT: Final = 2**62
_CHUNK: Final = 10_000

_CHANGES: Final = f"""SELECT strftime(started_at, '%Y-%m') AS month, new_model,
coalesce(sum(call_count) FILTER (WHERE owns), 0)::BIGINT, sum(cost) FILTER (WHERE owns),
sum(new_cost) FILTER (WHERE owns),
coalesce(sum(call_count) FILTER (WHERE owns AND cost IS NULL AND new_cost IS NOT NULL), 0)::BIGINT,
coalesce(sum(call_count) FILTER (WHERE owns AND cost IS NOT NULL AND new_cost IS NULL), 0)::BIGINT,
count(*) FILTER (WHERE NOT owns)
FROM (SELECT *, role = '{Role.OWNER}' AS owns FROM changed) GROUP BY 1, 2 ORDER BY 1, 2 NULLS LAST"""

_UNPRICED: Final = f"""SELECT coalesce(nullif(response_model, ''), nullif(requested_model, '')), sent_provider,
price_status, arg_max(price_reason, started_at), sum(call_count)::BIGINT AS calls, sum(tokens)::HUGEINT,
min(started_at), max(started_at) FROM calls
WHERE {STANDING} AND role = '{Role.OWNER}' AND error_type IS NULL AND price_status IN ('unpriced', 'partial')
AND {{where}} GROUP BY 1, 2, 3 ORDER BY calls DESC, 1, 2, 3"""


def plan(connection: duckdb.DuckDBPyConnection, card: RateCard, scope: Scope) -> RepricingPlan:
    """Return every entry that stands in `scope` and has another result under `card`."""
    where, values = conditions(DUCKDB, scope.period, scope.filters)
    asked = f"FROM calls WHERE {STANDING} AND {where}"
    # A name can be of no use to a join when NULL, so keys travel with their NULLs and are compared as such.
    names = connection.execute(f"SELECT DISTINCT {', '.join(_NAMES)} {asked}", values).fetchall()
    keys = [(number, sent, _bands(card, sent)) for number, sent in enumerate(names)]
    [(examined, *most)] = connection.execute(
        f"SELECT count(*), {', '.join(f'coalesce(max(q_{unit}), 0)' for unit in Unit)} {asked}", values
    ).fetchall()
    used = dict(zip(Unit, most, strict=True))
    with (
        registered(connection, "price_keys", _key_columns(keys)),
        registered(connection, "price_rates", _rate_columns(keys)),
    ):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE changed AS {_scan(asked, used, keys)}", values)
        if any(not bands.whole for _, _, bands in keys):
            _add_scalar(connection, card, asked, values)
    rows = connection.execute(_CHANGES).fetchall()
    ids = connection.execute("SELECT entry_id FROM changed ORDER BY entry_id").fetchall()
    connection.execute("DROP TABLE changed")
    return RepricingPlan(card.version, examined, [entry_id for (entry_id,) in ids], [_change(row) for row in rows])


def unpriced(connection: duckdb.DuckDBPyConnection, period: Period) -> list[UnpricedModel]:
    """Return the models of calls that succeeded without a full price, the busiest first."""
    where, values = conditions(DUCKDB, period, ())
    rows = connection.execute(f"{_UNPRICED.format(where=where)}", values).fetchall()
    return [
        UnpricedModel(
            model=model,
            provider=provider,
            price_status=price_status,
            reason=reason,
            calls=calls,
            tokens=tokens,
            first_seen=first_seen.replace(tzinfo=UTC),
            last_seen=last_seen.replace(tzinfo=UTC),
        )
        for model, provider, price_status, reason, calls, tokens, first_seen, last_seen in rows
    ]


def _bands(card: RateCard, sent: Sequence[str | None]) -> RateBands:
    provider, requested, response, mode = sent
    models = tuple(dict.fromkeys(name for name in (response, requested) if name))
    return rate_bands(card, (provider, models, mode or ""))


Keys = list[tuple[int, tuple[str | None, ...], RateBands]]


def _key_columns(keys: Keys) -> dict[str, tuple[list[Any], DataType]]:
    columns: dict[str, tuple[list[Any], DataType]] = {"key_id": ([key for key, _, _ in keys], DataType.int64())}
    for place, name in enumerate(_NAMES):
        columns[f"k_{name}"] = ([sent[place] for _, sent, _ in keys], DataType.string())
    columns["k_provider"] = ([bands.provider for _, _, bands in keys], DataType.string())
    columns["k_model"] = ([bands.model for _, _, bands in keys], DataType.string())
    columns["whole"] = ([bands.whole for _, _, bands in keys], DataType.bool())
    return columns


def _rate_columns(keys: Keys) -> dict[str, tuple[list[Any], DataType]]:
    rows = [(key, band) for key, _, bands in keys if bands.whole for band in bands.bands]
    columns: dict[str, tuple[list[Any], DataType]] = {"r_key": ([key for key, _ in rows], DataType.int64())}
    for name in ("start_us", "end_us", "week_from", "week_to", "over", "up_to"):
        columns[name] = ([getattr(band, name) for _, band in rows], DataType.int64())
    for name, source in (("r_model", "model"), ("plain_model", "plain_model")):
        columns[name] = ([getattr(band, source) for _, band in rows], DataType.string())
    for name in ("free", "assumed"):
        columns[name] = ([getattr(band, name) for _, band in rows], DataType.bool())
    for unit in Unit:
        rates = [band.rates.get(unit) for _, band in rows]
        columns[f"c_{unit}"] = ([rate.numerator if rate else None for rate in rates], DataType.int64())
        columns[f"l_{unit}"] = ([rate.list_numerator if rate else None for rate in rates], DataType.int64())
    return columns


def _scan(asked: str, used: dict[Unit, int], keys: Keys) -> str:
    """Return the query for all changed entries whose rates are whole numbers."""
    units = tuple(unit for unit, most in used.items() if most)
    wide = "::HUGEINT" if _may_overflow(used, keys) else ""

    def total(letter: str, over: Sequence[Unit]) -> str:
        return " + ".join([f"coalesce(q_{unit}{wide} * {letter}_{unit}, 0)" for unit in over if unit in units] or ["0"])

    def some(condition: str) -> str:
        return " OR ".join([f"(q_{unit} > 0 AND c_{unit} IS {condition})" for unit in units] or ["false"])

    any_used = " OR ".join([f"q_{unit} > 0" for unit in units] or ["false"])
    fee = "CASE WHEN q_request = 0 AND NOT free THEN {}_request ELSE 0 END"
    week = "(us // 60000000 + 4320) % 10080"
    context = " + ".join(f"q_{unit}" for unit in INPUT_UNITS)
    needed = dict.fromkeys(
        ["entry_id", "started_at", "role", "call_count", *RESULTS, *_NAMES, "usage_state", "error_type"]
    )
    quantities = ", ".join(f"q_{unit}" for unit in Unit)
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM k_{name}" for name in _NAMES)
    return f"""WITH asked AS (SELECT {", ".join(needed)}, {quantities}, epoch_us(started_at) AS us,
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
SELECT {", ".join(_CHANGED)} FROM valued
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


def _add_scalar(connection: duckdb.DuckDBPyConnection, card: RateCard, asked: str, values: list[Any]) -> None:
    """Add the changed entries of the keys that have a rate finer than a pico-dollar, priced one by one."""
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM k_{name}" for name in _NAMES)
    columns = ", ".join(dict.fromkeys(["entry_id", "started_at", *PRICING_COLUMNS, *RESULTS]))
    query = f"SELECT {columns} FROM (SELECT * {asked}) JOIN price_keys ON {same} WHERE NOT whole"
    changed = []
    for row in _dicts(connection, query, values):
        new = results(verdict(row, card), row)
        if new != {name: row[name] for name in RESULTS}:
            changed.append((row["entry_id"], *new.values()))
    if not changed:
        return
    types = [DataType.int64(), *(DataType.string() if name in _TEXTS else DataType.int64() for name in RESULTS)]
    names = ["entry_id", *(f"new_{name}" for name in RESULTS)]
    batch = {
        name: (list(column), kind) for name, column, kind in zip(names, zip(*changed, strict=True), types, strict=True)
    }
    with registered(connection, "scalar_batch", batch):
        old = ", ".join(f"c.{name}" for name in ("entry_id", "started_at", "role", "call_count", *RESULTS))
        new_columns = ", ".join(f"b.new_{name}" for name in RESULTS)
        connection.execute(
            f"INSERT INTO changed SELECT {old}, {new_columns} FROM calls c JOIN scalar_batch b USING (entry_id) "
            "WHERE c.sign > 0"
        )


_TEXTS: Final = ("price_status", "provider", "model")


def _dicts(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> Iterator[dict[str, Any]]:
    answer = connection.execute(query, values)
    names = [column[0] for column in answer.description]
    while rows := answer.fetchmany(_CHUNK):
        for row in rows:
            yield dict(zip(names, row, strict=True))


def _change(row: tuple[Any, ...]) -> MonthChange:
    month, model, calls, old_cost, new_cost, newly_priced, newly_unpriced, uncounted = row
    return MonthChange(
        month=month,
        model=model,
        calls=calls,
        old_cost=old_cost,
        new_cost=new_cost,
        newly_priced=newly_priced,
        newly_unpriced=newly_unpriced,
        uncounted=uncounted,
    )
