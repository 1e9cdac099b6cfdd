"""A ClickHouse server for tests and trials: chdb, which is ClickHouse's engine as a library, behind its HTTP interface.

One process is one node and owns one data folder. What is missing is what the library lacks: Keeper, and with it
replication, and clusters. Users and passwords are not looked at, so it listens on this machine alone.
Source of the interface: clickhouse.com/docs/interfaces/http.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import chdb
import lz4.frame
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_OF_THE_INTERFACE: Final = frozenset((
    "query", "database", "default_format", "session_id", "session_timeout", "session_check", "compress", "decompress",
    "query_id", "user", "password", "quota_key", "client_protocol_version", "buffer_size", "wait_end_of_query",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression", "role",
))  # fmt: skip
"""Parameters of the URL that the engine has no setting for. What is not one of them is a setting."""
_BOUND: Final = "param_"


def _of_lz4(body: bytes) -> bytes:
    """Return what the frames of a body hold: clients send one for each block of rows."""
    found = b""
    while body:
        frame = lz4.frame.LZ4FrameDecompressor()
        found += frame.decompress(body)
        body = frame.unused_data or b""
    return found


_DECODE: Final = {"gzip": gzip.decompress, "lz4": _of_lz4}
# No more than the line end: the rows that follow may begin with bytes that look like white space.
_INSERTED: Final = re.compile(rb"\s*INSERT\s.*?\sFORMAT\s+(\w+)[ \t]*(?:\n|$)", re.DOTALL | re.IGNORECASE)
_TOLD_FORMAT: Final = re.compile(rb"\sFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE: Final = re.compile(r"Code: (\d+)")
_UNKNOWN_EXCEPTION: Final = "1002"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with the settings and values it runs under, and the rows it inserts, in the format it names."""

    sql: bytes
    rows: bytes
    settings: Mapping[str, str]
    values: Mapping[str, str]
    database: str | None
    default_format: str

    @property
    def format(self) -> str:
        """The format of the answer."""
        told = _TOLD_FORMAT.search(self.sql)
        return told[1].decode() if told else self.default_format


class Engine:
    """A data folder. Every statement runs on a handle of its own, so that settings end with it."""

    def __init__(self, data: Path) -> None:
        self._path = str(data)
        self._keeps_open = chdb.connect(self._path)

    def answer(self, statement: Statement) -> bytes:
        """Run a statement and return its rows. Raise ChdbError with ClickHouse's code and message."""
        handle = chdb.connect(self._path)
        try:
            if statement.database:
                handle.query(f"USE {_quoted(statement.database, '`')}")
            for name, value in statement.settings.items():
                handle.query(f"SET {name} = {_quoted(value)}")
            if not statement.rows:
                return handle.query(statement.sql.decode(), statement.format, params=statement.values).bytes() or b""
            with tempfile.NamedTemporaryFile() as rows:
                rows.write(statement.rows)
                rows.flush()
                into = _TOLD_FORMAT.sub(b"", statement.sql).decode()
                sql = f"{into} FROM INFILE {_quoted(rows.name)} FORMAT {statement.format}"
                return handle.query(sql).bytes() or b""
        finally:
            handle.close()


def app(engine: Engine) -> Starlette:
    """Return the HTTP interface of an engine."""

    async def ping(_request: Request) -> Response:
        return Response(b"Ok.\n")

    async def query(request: Request) -> Response:
        statement = await _statement(request)
        try:
            rows = await asyncio.to_thread(engine.answer, statement)
        except RuntimeError as error:
            code = _CODE.search(str(error))
            headers = {"X-ClickHouse-Exception-Code": code[1] if code else _UNKNOWN_EXCEPTION}
            return Response(str(error), status_code=500, headers=headers)
        summary = json.dumps({"read_rows": "0", "written_rows": "0"})
        headers = {"X-ClickHouse-Format": statement.format, "X-ClickHouse-Timezone": "UTC"}
        return Response(rows, headers=headers | {"X-ClickHouse-Summary": summary})

    return Starlette(routes=[Route("/ping", ping), Route("/", query, methods=["GET", "POST"])])


async def _statement(request: Request) -> Statement:
    asked = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            asked |= {name: value for name, value in form.items() if isinstance(value, str)}
        body = b""
    else:
        decode = _DECODE.get(request.headers.get("content-encoding", ""), bytes)
        body = decode(await request.body())
    sql = asked.get("query", "").encode()
    if sql and not _INSERTED.match(sql):
        sql, body = sql + b"\n" + body, b""
    elif not sql:
        inserted = _INSERTED.match(body)
        end = inserted.end() if inserted else len(body)
        sql, body = body[:end], body[end:]
    return Statement(
        sql,
        body,
        {name: value for name, value in asked.items() if name not in _OF_THE_INTERFACE and not name.startswith(_BOUND)},
        {name.removeprefix(_BOUND): value for name, value in asked.items() if name.startswith(_BOUND)},
        asked.get("database"),
        asked.get("default_format") or request.headers.get("X-ClickHouse-Format") or "TabSeparated",
    )


def _quoted(text: str, quote: str = "'") -> str:
    escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return f"{quote}{escaped}{quote}"


def main() -> None:
    """Serve until the process ends. What was answered is kept, however it ends."""
    parser = argparse.ArgumentParser(prog="python -m costspan.testing.clickhouse_server", description=__doc__)
    parser.add_argument("--port", type=int, default=8123, help="0 takes a free one, which is printed")
    parser.add_argument("--data", type=Path, required=True, help="folder of this node")
    options = parser.parse_args()
    listening = socket.create_server(("127.0.0.1", options.port))
    engine = Engine(options.data)
    print(f"listening on port {listening.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(app(engine), log_level="warning", lifespan="off"))
    server.run(sockets=[listening])


if __name__ == "__main__":
    main()
