"""The series of five minutes, by column."""

from __future__ import annotations

import duckdb

from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.spend_series import series_answer, series_query


def spend_series(connection: duckdb.DuckDBPyConnection, question: SeriesQuestion) -> SeriesAnswer:
    """Return the series of a question."""
    query = series_query(DUCKDB, question)
    return series_answer(question, connection.execute(query.sql, query.values).fetchnumpy())
