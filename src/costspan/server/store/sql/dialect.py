"""What engines write otherwise, side by side. All else of a question is the same text for each of them.

ClickHouse reads it as the standard means it under the settings of `clickhouse.asking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from costspan.server.store.columns import Kind
from costspan.server.store.question import COLUMNS, TAG
from costspan.server.store.sql.measures import parts

Ask = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a query that has a `?` for each of the values, and returns its rows. Moments are in UTC, and naive."""


@dataclass(frozen=True, slots=True)
class Given:
    """Rows a query is given beside the tables of the ledger, with the kinds of their columns: TEXT, WHOLE, TRUTH."""

    kinds: Mapping[str, Kind]
    rows: Sequence[tuple[Any, ...]]


AskGiven = Callable[[str, Sequence[Any], Mapping[str, Given]], list[tuple[Any, ...]]]
"""As `Ask`, with tables by name that the query may read."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine writes it: from SQL to SQL, and `tag` from the name of a tag."""

    tag: Callable[[str], str]
    total: Callable[[str, str | None], str]
    """The sum of whole numbers where a condition holds: 0 of none, and too wide to overflow."""
    quantiles: Callable[[str, Sequence[float]], str]
    """The list of quantiles, interpolated between the two values around the rank; NULL is no value."""
    micros: Callable[[str], str]
    """Microseconds since 1970."""
    hex: Callable[[str], str]
    """The 32 hex digits of a key or trace id."""
    span: Callable[[str], str]
    """The 16 hex digits of a span id."""
    unhex: Callable[[str], str]
    """The key or trace id that a text is the hex digits of."""
    split: Callable[[str], str]
    """The rows of a text of values with commas between."""
    zoned: Callable[[str], str]
    """A moment that says of itself that it is in UTC, for a file."""
    rows_where: Callable[[str, str], str]
    """A condition again, or one for the first of its rows in an order, that reads nothing else of the other rows."""
    tags: str
    """The free tags of a row as a JSON object, NULL where it has none."""
    reach: str
    """A condition on `started_at` that holds of every call which counts in a period, or nothing where asking is as
    dear as looking; each `? ... ?` is the period. What counts elsewhere than it began keeps the key from finding it."""
    counts: str
    """The columns `slot` and `n` of every bucket that the column `counts` of a sketch holds."""
    posted: str
    """The smallest table of which the latest `posted_at` is that of the last posting."""
    at_once: int
    """Keys that one value of a query may name, with commas between."""
    parts: Mapping[str, str] = field(init=False)
    """Name of a part -> the SQL that sums it over rows of `calls`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", parts(self.total))

    def listed(self, values: Iterable[object]) -> Iterator[str]:
        """Yield values as texts with commas between, for `split`."""
        ordered = sorted(map(str, values))
        return (",".join(ordered[at : at + self.at_once]) for at in range(0, len(ordered), self.at_once))

    def column(self, key: str) -> str:
        """Return the SQL for the value of a group key."""
        if key.startswith(TAG):
            return self.tag(key.removeprefix(TAG))
        name = COLUMNS[key]
        return f"{name}::VARCHAR" if name == "attempt" else name


def _where(condition: str | None) -> str:
    return f" FILTER (WHERE {condition})" if condition else ""


def _duckdb_tag(name: str) -> str:
    quoted = name.replace("'", "''")
    return f"tags['{quoted}']"


def _clickhouse_tag(name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"CASE WHEN mapContains(tags, '{quoted}') THEN tags['{quoted}'] END"


DUCKDB: Final = Dialect(
    tag=_duckdb_tag,
    total=lambda value, condition: f"coalesce(sum({value}){_where(condition)}, 0)::HUGEINT",
    quantiles=lambda value, shares: f"quantile_cont({value}, {list(shares)}) FILTER (WHERE {value} IS NOT NULL)",
    micros=lambda moment: f"epoch_us({moment})",
    hex=lambda key: f"replace({key}::VARCHAR, '-', '')",
    span=lambda number: f"format('{{:016x}}', {number})",
    unhex=lambda text: f"{text}::UUID",
    split=lambda text: f"unnest(string_split({text}, ','))",
    zoned=lambda moment: f"timezone('UTC', {moment})",
    rows_where=lambda condition, first: f"rowid IN (SELECT rowid FROM calls WHERE {condition}{first})",
    tags="to_json(tags)::VARCHAR",
    reach="TRUE",
    counts="unnest(counts, recursive := true)",
    posted="calls",
    at_once=1_000_000,
)
_BEGAN: Final = (
    "(SELECT {}(at) FROM (SELECT arrayJoin([?, ?]) AS at UNION ALL "
    "SELECT started_at FROM calls WHERE booked_at >= ? AND booked_at < ?))"
)
CLICKHOUSE: Final = Dialect(
    tag=_clickhouse_tag,
    # A sum is as wide there as what is summed, and wraps round.
    total=lambda value, condition: f"coalesce(sum(({value})::Int128){_where(condition)}, 0)::Int128",
    quantiles=lambda value, shares: f"quantilesExactInclusive({', '.join(map(str, shares))})({value})",
    micros=lambda moment: f"toUnixTimestamp64Micro({moment})",
    hex=lambda key: f"lower(hex({key}))",
    span=lambda number: f"leftPad(lower(hex({number})), 16, '0')",
    unhex=lambda text: f"toFixedString(unhex({text}), 16)",
    split=lambda text: f"arrayJoin(splitByChar(',', assumeNotNull({text})))",
    zoned=lambda moment: moment,
    # It reads the columns of a condition first by itself (PREWHERE).
    rows_where=lambda condition, _: condition,
    tags="CASE WHEN notEmpty(tags) THEN toJSONString(tags) END",
    # Worked out first, so that the key of the table finds the rows.
    reach=f"started_at BETWEEN {_BEGAN.format('min')} AND {_BEGAN.format('max')}",
    counts="tupleElement(arrayJoin(counts) AS counted, 1) AS slot, tupleElement(counted, 2) AS n",
    posted="postings",
    # A server takes 128 KiB in one value: http_max_field_value_size.
    at_once=2_000,
)
