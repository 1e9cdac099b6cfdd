"""Making a damaged ledger readable again: what lies before a break in the log, what can be read of the file.

Nothing is overwritten: the damaged files stay beside the mended ones, under another name.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from costspan.core.errors import Unreachable
from costspan.server.store.duckdb.connection import LEDGER_FILE, SETTINGS, open_ledger_file
from costspan.server.store.duckdb.wal import Chain, commits_from, follow, header_of, log_of

_ROWS: Final = 122_880
"""Rows DuckDB keeps together (its row group), and so what is lost together."""
_READING: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_PLACE: Final = re.compile(r"entry at byte position (\d+)")
_DERIVED: Final = ("rollups", "user_rollups", "sketches", "ledger_marks")
_ORPHANS: Final = "DELETE FROM {table} WHERE sign < 0 AND entry_id NOT IN (SELECT entry_id FROM {table} WHERE sign > 0)"


@dataclass(slots=True)
class Mended:
    """What a repair kept and lost. `lost_rows` are by table; `aside` are the damaged files as they were."""

    lost_commits: int = 0
    lost_rows: dict[str, int] = field(default_factory=dict)
    aside: list[Path] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """True when nothing was lost."""
        return not self.lost_commits and not self.lost_rows


def repair(data: Path, now: datetime) -> Mended:
    """Mend the ledger in `data` and return what was lost.

    Raise Unreachable when there is none, when another process holds it, or when nothing of it can be read.
    """
    path = data / LEDGER_FILE
    if not path.exists():
        raise Unreachable(f"no ledger in {data}")
    mended, suffix = Mended(), f".damaged-{now:%Y%m%d-%H%M%S}"
    _mend_log(path, suffix, mended)
    if not _reads_whole(path):
        _mend_file(path, suffix, mended)
    open_ledger_file(data).close()
    return mended


def _mend_log(path: Path, suffix: str, mended: Mended) -> None:
    log = log_of(path)
    chain = follow(path)
    if not chain.size_bytes:
        return
    end = _readable(path, log, chain) if chain.has_header else 0
    if not end:
        # A header that names another file is as good as none; what follows it may be whole.
        chain = _with_header(path, log, suffix, mended)
        end = _readable(path, log, chain)
    if end == chain.size_bytes:
        return
    held = log.read_bytes()
    _set_aside(log, suffix, mended)
    mended.lost_commits = commits_from(held, end)
    if end:
        log.write_bytes(held[:end])
    else:
        log.unlink()


def _with_header(path: Path, log: Path, suffix: str, mended: Mended) -> Chain:
    """Give a log the header DuckDB would write for this file now, which is of the same length."""
    with TemporaryDirectory(dir=path.parent) as folder:
        scratch = Path(folder) / path.name
        shutil.copyfile(path, scratch)
        with duckdb.connect(str(scratch), config=SETTINGS) as connection:
            connection.execute("CREATE TABLE scratch (i INTEGER)")
            header = header_of(log_of(scratch).read_bytes())
    held = log.read_bytes()
    _set_aside(log, suffix, mended)
    log.write_bytes(header + held[len(header) :])
    return follow(path)


def _readable(path: Path, log: Path, chain: Chain) -> int:
    """Return up to which byte DuckDB can read the log; it names the entry whose checksum is wrong."""
    end = chain.end_bytes
    while end:
        with _beside(path, log, end) as copy:
            try:
                duckdb.connect(str(copy), read_only=True, config=_READING).close()
            except duckdb.Error as error:
                found = _PLACE.search(str(error))
                # Each look ends earlier than the one before, so that it comes to an end.
                end = min(int(found[1]), end - 1) if found else 0
                continue
            return end
    return 0


@contextmanager
def _beside(path: Path, log: Path, end: int) -> Iterator[Path]:
    """Yield the ledger file under another name, with a log of its own that ends at a byte."""
    with TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder) / path.name
        copy.hardlink_to(path)
        with log.open("rb") as source, log_of(copy).open("wb") as target:
            target.write(source.read(end))
        yield copy


def _reads_whole(path: Path) -> bool:
    try:
        with duckdb.connect(str(path), read_only=True, config=_READING) as connection:
            return all(not lost for _, lost in _looked_over(connection, "main"))
    except duckdb.Error as error:
        if "lock" in str(error):
            raise Unreachable(f"{path} is held by another process; stop costspan serve first") from None
        raise Unreachable(f"nothing of {path} can be read ({str(error).splitlines()[0]}); restore a backup") from None


def _mend_file(path: Path, suffix: str, mended: Mended) -> None:
    """Copy what can be read of every table into a new file, and put that in place of the damaged one."""
    with TemporaryDirectory(dir=path.parent) as folder:
        open_ledger_file(Path(folder)).close()
        fresh = Path(folder) / LEDGER_FILE
        with duckdb.connect(str(fresh)) as connection:
            connection.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS damaged (READ_ONLY)")
            for table, lost in _looked_over(connection, "damaged"):
                _copy(connection, table, lost, mended)
            if "calls" in mended.lost_rows:
                for table in _DERIVED:
                    connection.execute(f"DELETE FROM {table}")
            for table in ("calls", "charges", "tools"):
                connection.execute(_ORPHANS.format(table=table))
        _set_aside(path, suffix, mended)
        if log_of(path).exists():
            _set_aside(log_of(path), suffix, mended)
            log_of(path).unlink()
        fresh.replace(path)


def _looked_over(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[tuple[str, list[int]]]:
    """Yield every table with the first rows of the groups that cannot be read."""
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = coalesce(nullif(?, 'main'), current_database())",
        [database],
    ).fetchall()
    for (table,) in tables:
        place = table if database == "main" else f"{database}.{table}"
        [(last,)] = connection.execute(f"SELECT coalesce(max(rowid), -1) FROM {place}").fetchall()
        lost = []
        for first in range(0, last + 1, _ROWS):
            try:
                connection.execute(
                    f"SELECT count(hash(COLUMNS(*))) FROM {place} WHERE rowid BETWEEN ? AND ?",
                    [first, first + _ROWS - 1],
                ).fetchall()
            except duckdb.Error:
                lost.append(first)
        yield table, lost


def _copy(connection: duckdb.DuckDBPyConnection, table: str, lost: list[int], mended: Mended) -> None:
    if table == "ledger_schema":
        connection.execute("DELETE FROM ledger_schema")
    [(last,)] = connection.execute(f"SELECT coalesce(max(rowid), -1) FROM damaged.{table}").fetchall()
    for first in range(0, last + 1, _ROWS):
        bounds = [first, min(last, first + _ROWS - 1)]
        if first in lost:
            mended.lost_rows[table] = mended.lost_rows.get(table, 0) + bounds[1] - first + 1
            continue
        connection.execute(
            f"INSERT INTO {table} BY NAME SELECT * FROM damaged.{table} WHERE rowid BETWEEN ? AND ?", bounds
        )


def _set_aside(path: Path, suffix: str, mended: Mended) -> None:
    aside = path.with_name(f"{path.name}{suffix}")
    if aside not in mended.aside:
        shutil.copyfile(path, aside)
        mended.aside.append(aside)
