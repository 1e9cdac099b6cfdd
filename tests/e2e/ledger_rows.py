"""What a test looks at in a ledger's folder: the report by every dimension, and the lines themselves."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from costspan.core.period import iso
from nursery import nursery

DIMENSIONS = (
    "model", "provider", "requested_model", "response_model", "operation", "feature", "team", "user", "environment",
    "service", "session", "agent", "tool", "finish_reason", "error_type", "mode", "dialect", "price_status", "attempt",
)  # fmt: skip


def costspan(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with no server to be found."""
    return nursery().run(words, {**os.environ, "COSTSPAN_URL": "http://127.0.0.1:9", **environment})


def document(*words: str) -> dict[str, Any]:
    """Run a command that must succeed and return the document it prints."""
    done = costspan(*words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def every_total(folder: Path, until: str) -> dict[str, Any]:
    """Return the spend document of the 40 days before `until`, by day and each dimension: every measure there is."""
    from costspan.server.assembly import open_reader

    asked = [("interval", "1d"), ("since", iso(datetime.fromisoformat(until) - timedelta(days=40))), ("until", until)]
    with open_reader(folder) as reader:
        return {key: reader.ask("/api/v1/spend", [("group_by", key), *asked]) for key in DIMENSIONS}


def lines(folder: Path) -> dict[str, int]:
    """Return how many lines the ledger holds, by table and sign."""
    with duckdb.connect(str(folder / "ledger.duckdb"), read_only=True) as connection:
        found = {}
        for table in ("calls", "charges"):
            for sign, count in connection.execute(f"SELECT sign, count(*) FROM {table} GROUP BY 1").fetchall():
                found[f"{table}{sign:+}"] = count
        return found


def charged(folder: Path) -> tuple[int, int]:
    """Return the signed sums of the owners' cost, from the calls and from the charges."""
    with duckdb.connect(str(folder / "ledger.duckdb"), read_only=True) as connection:
        [(calls,)] = connection.execute("SELECT sum(sign * cost) FROM calls WHERE role = 'owner'").fetchall()
        [(charges,)] = connection.execute("SELECT sum(sign * cost) FROM charges").fetchall()
        return int(calls), int(charges)
