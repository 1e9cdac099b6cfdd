"""Tables that leave the ledger, in SQL: which rows, and what each column is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from costspan.core.call import Role
from costspan.core.errors import UsageError
from costspan.core.units import Unit
from costspan.server.store.export import ChargeSum, Kind, Stretch, Table, Wanted
from costspan.server.store.sql.conditions import conditions, naive, utc
from costspan.server.store.sql.dialect import Ask, Dialect
from costspan.server.store.sql.plan import COUNTED_AT
from costspan.server.store.sql.standing import reach, standing

_OWNS: Final = f"role = '{Role.OWNER}'"
_NEXT: Final = (
    "WITH later AS (SELECT posted_at FROM calls WHERE posted_at > ?) SELECT coalesce("
    "(SELECT posted_at FROM later ORDER BY posted_at LIMIT 1 OFFSET {before}), "
    "(SELECT posted_at FROM later ORDER BY posted_at DESC LIMIT 1))"
)
_SUM_KEYS: Final = (
    "adjusts", "provider", "model", "mode", "rate_id", "card_version", "service", "environment", "feature", "team",
    "tenant",
)  # fmt: skip
_BEGINNING: Final = datetime(1, 1, 1)  # noqa: DTZ001 - as the tables keep moments
_END: Final = datetime(9999, 1, 1)  # noqa: DTZ001 - likewise
_TYPES: Final = {
    Kind.TEXT: "VARCHAR",
    Kind.WHOLE: "BIGINT",
    Kind.REAL: "DOUBLE",
    Kind.TRUTH: "BOOLEAN",
    Kind.USD: "DECIMAL(38, 12)",
}


def table_rows(dialect: Dialect, wanted: Wanted) -> tuple[str, list[Any]]:
    """Return the query for the rows of a table in their order, and its values. Raise UsageError without a stretch."""
    if wanted.table.is_posted:
        return _posted(dialect, wanted)
    within, values = conditions(dialect, wanted.period, (), booked=False) if wanted.period else ("TRUE", [])
    where, used = standing(within, values, as_of=naive(wanted.as_of) if wanted.as_of else None)
    if wanted.period and wanted.filters:
        asked, passing = conditions(dialect, wanted.period, wanted.filters, booked=False)
        where, used = f"{where} AND {asked}", [*used, *passing]
    if wanted.table is Table.CALLS:
        selected = _selected(dialect, wanted.table, _calls(dialect))
        return f"SELECT {selected} FROM calls WHERE {where} ORDER BY started_at, entry_id", used
    of_calls = f"SELECT entry_id, {dialect.hex('key')} AS call_id FROM calls WHERE {where}"
    selected = _selected(dialect, wanted.table, _CHARGES)
    query = f"SELECT {selected} FROM charges JOIN ({of_calls}) AS k USING (entry_id) WHERE sign > 0 AND {within}"
    return f"{query} ORDER BY started_at, entry_id, unit", [*used, *values]


def next_stretch(ask: Ask, after: datetime | None, most: int) -> Stretch | None:
    """Return the postings that follow a moment, about `most` entries of them."""
    [(to,)] = ask(_NEXT.format(before=int(most) - 1), [naive(after) if after else _BEGINNING])
    return Stretch(after, utc(to)) if to else None


def charge_sums(ask: Ask, dialect: Dialect, wanted: Wanted, rows_since: datetime | None) -> Iterator[ChargeSum]:
    """Yield what was charged, by day. Raise UsageError where rows of the period are gone, those before `rows_since`."""
    if wanted.period is None:
        raise UsageError("charges are added up over a period")
    if rows_since and naive(wanted.period.since) < rows_since:
        raise UsageError(
            f"before {rows_since:%Y-%m-%d} the ledger kept totals alone, not what was charged; ask from then on"
        )
    where, values = conditions(dialect, wanted.period, wanted.filters)
    within, of_reach = reach(dialect, wanted.period)
    as_of = naive(wanted.as_of) if wanted.as_of else _END
    bound = [as_of, *of_reach, *values, as_of, *of_reach]
    for day, unit, *rest in ask(_sums(dialect, f"{within} AND {where}", within), bound):
        told = dict(zip(_SUM_KEYS, rest[: len(_SUM_KEYS)], strict=True))
        calls, quantity, list_cost, cost = map(int, rest[len(_SUM_KEYS) :])
        version = told.pop("card_version")
        yield ChargeSum(
            day=utc(day), unit=Unit(unit), catalogue_version=version, calls=calls, quantity=quantity,
            list_cost=list_cost, cost=cost, **told,
        )  # fmt: skip


def _sums(dialect: Dialect, of_calls: str, of_charges: str) -> str:
    by = ", ".join(("day", "unit", *_SUM_KEYS))
    quantity, cost = dialect.total("c.sign * c.quantity", None), dialect.total("c.sign * c.cost", None)
    return f"""SELECT date_trunc('day', {COUNTED_AT}) AS day, unit, {", ".join(_SUM_KEYS)},
{dialect.total("k.sign * call_count", None)}, {quantity},
{dialect.total("c.sign * coalesce(c.list_cost, c.cost)", None)}, {cost}
FROM (SELECT * FROM calls WHERE posted_at <= ? AND {of_calls}) AS k
JOIN (SELECT entry_id, sign, unit, quantity, list_cost, cost FROM charges WHERE posted_at <= ? AND {of_charges}) AS c
USING (entry_id, sign)
GROUP BY {by} HAVING {quantity} <> 0 OR {cost} <> 0 ORDER BY {by}"""


def _posted(dialect: Dialect, wanted: Wanted) -> tuple[str, list[Any]]:
    stretch = wanted.stretch
    if stretch is None:
        raise UsageError(f"{wanted.table} is given away by stretches of postings")
    after = naive(stretch.after) if stretch.after else _BEGINNING
    is_calls = wanted.table is Table.ENTRIES
    selected = _selected(dialect, wanted.table, _calls(dialect) if is_calls else _CHARGES)
    source, by = ("calls", "") if is_calls else ("charges", ", unit")
    query = f"SELECT {selected} FROM {source} WHERE posted_at > ? AND posted_at <= ?"
    return f"{query} ORDER BY posted_at, entry_id, sign{by}", [after, naive(stretch.to)]


def _usd(column: str) -> str:
    # Decimals are multiplied exactly and divided as floats.
    return f"({column})::DECIMAL(19, 0) * '0.000000000001'::DECIMAL(12, 12)"


_CHARGES: Final[Mapping[str, str]] = {"cost_usd": _usd("cost"), "list_cost_usd": _usd("coalesce(list_cost, cost)")}


def _calls(dialect: Dialect) -> Mapping[str, str]:
    return {
        "call_id": dialect.hex("key"),
        "duration_ms": "duration_ns / 1e6",
        "ttft_ms": "ttft_ns / 1e6",
        "trace_id": dialect.hex("trace_id"),
        "span_id": dialect.span("span_id"),
        "parent_span_id": dialect.span("parent_span_id"),
        "owner_id": dialect.hex("owner_key"),
        "tags": dialect.tags,
        "catalogue_version": "card_version",
        "cost_usd": _usd(f"CASE WHEN {_OWNS} THEN cost END"),
        "list_cost_usd": _usd(f"CASE WHEN {_OWNS} THEN list_cost END"),
        "uncounted_cost_usd": _usd(f"CASE WHEN NOT {_OWNS} THEN cost END"),
        "estimated_cost_usd": _usd(f"CASE WHEN {_OWNS} THEN estimated_cost END"),
        **{f"{unit}_quantity": f"q_{unit}" for unit in Unit},
    }


def _selected(dialect: Dialect, table: Table, told: Mapping[str, str]) -> str:
    columns = []
    for name, column in table.columns.items():
        expression = told.get(name, name)
        typed = dialect.zoned(expression) if column.kind is Kind.MOMENT else f"({expression})::{_TYPES[column.kind]}"
        columns.append(f"{typed} AS {name}")
    return ", ".join(columns)
