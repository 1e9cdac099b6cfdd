"""Rows of the API's documents as CSV (RFC 4180), sent while they are made and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from fastapi import Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

CSV: Final[dict[str, Any]] = {"content": {"text/csv": {"schema": {"type": "string"}}}}
"""What a route that can answer with CSV adds to the description of its answer."""
_HELP: Final = "json, or csv: the rows alone, one column a field, nested fields as outer.inner"

_ROWS_AT_ONCE: Final = 500
_NUMBER: Final = re.compile(r"[-+]?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's parameters, the request they came in, and in which form it is to be answered."""

    request: Request
    parameters: Sequence[tuple[str, str]]
    as_csv: bool


def asked(
    request: Request,
    format: Annotated[Literal["json", "csv"], Query(description=_HELP)] = "json",  # noqa: A002
) -> Asked:
    """Return what a request asks. A dependency of the routes that can answer with CSV."""
    parameters = [(name, value) for name, value in request.query_params.multi_items() if name != "format"]
    return Asked(request, parameters, format == "csv")


def columns_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the columns of a row: its fields in order, those of a document within it as `outer.inner`."""
    columns: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        parts = get_args(kind) if isinstance(kind, UnionType) else (kind,)  # X | None
        inner = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)
        columns += [name] if inner is None else [f"{name}.{column}" for column in columns_of(inner)]
    return tuple(columns)


async def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> StreamingResponse:
    """Return `rows` as the file NAME.csv. What goes wrong before the first rows are there is raised, not sent in part.

    `rows` is read in worker threads, as fast as the answer is taken.
    """
    chunks = _chunks(columns, iter(rows))
    first = await run_in_threadpool(next, chunks, "")

    async def sent() -> AsyncIterator[str]:
        chunk = first
        while chunk:
            yield chunk
            chunk = await run_in_threadpool(next, chunks, "")

    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="costspan-{name}.csv"'}
    return StreamingResponse(sent(), media_type="text/csv; charset=utf-8", headers=headers)


def cell(value: Any) -> str:
    """Return a value as a cell: unknown is empty, a list or a mapping is JSON.

    Text that a spreadsheet would run as a formula gets an apostrophe before it
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    text = str(value)
    return f"'{text}" if text[:1] in set("=+-@\t\r\n") and not _NUMBER.fullmatch(text) else text


def _chunks(columns: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    paths = [column.split(".") if "." in column else [column] for column in columns]
    head: list[Sequence[str]] = [columns]
    while lines := [*head, *([cell(_at(row, path)) for path in paths] for row in islice(rows, _ROWS_AT_ONCE))]:
        text = io.StringIO()
        csv.writer(text).writerows(lines)
        yield text.getvalue()
        head = []


def _at(row: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = row
    for name in path:
        value = None if value is None else value.get(name)
    return value
