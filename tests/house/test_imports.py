"""Imports run one way, and the application's wing stays light."""

from __future__ import annotations

import sys
import tomllib

from packaging.requirements import Requirement

from .conftest import closure, run
from .sources import PACKAGE, ROOT

MAX_BASE_DISTRIBUTIONS = 20

NEWLY_LOADED = """
import sys
before = set(sys.modules)
{statement}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(loaded - set(sys.stdlib_module_names)))
"""


def test_the_import_contracts_of_pyproject_hold():
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"

    done = run(sys.executable, "-c", lint, PYTHONPATH=str(PACKAGE.parent))

    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_costspan_loads_the_face_and_nothing_else():
    statement = "import costspan; print([name for name in sys.modules if name.startswith('costspan')])"

    done = run(sys.executable, "-c", NEWLY_LOADED.format(statement=statement), PYTHONPATH=str(PACKAGE.parent))

    assert done.stdout.splitlines() == ["['costspan']", "costspan"], done.stderr


def test_pricing_a_usage_loads_the_standard_library_only():
    statement = "import costspan; costspan.price('gpt-4o', input_tokens=1)"

    done = run(sys.executable, "-c", NEWLY_LOADED.format(statement=statement), PYTHONPATH=str(PACKAGE.parent))

    assert done.stdout.strip() == "costspan", done.stderr


def test_setting_up_an_application_loads_nothing_of_the_server():
    statement = "import costspan; costspan.configure(instrument=False)"

    done = run(
        sys.executable,
        "-c",
        NEWLY_LOADED.format(statement=statement),
        PYTHONPATH=str(PACKAGE.parent),
        OTEL_TRACES_EXPORTER="none",
    )

    assert done.returncode == 0, done.stderr
    assert not {"duckdb", "fastapi", "starlette", "uvicorn", "pydantic", "rich", "yaml"} & set(done.stdout.split())


def test_the_bare_install_brings_at_most_20_distributions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    brought = closure([Requirement(line) for line in project["dependencies"]])

    assert len(brought) <= MAX_BASE_DISTRIBUTIONS, sorted(brought)


def test_a_server_that_nobody_asked_for_more_loads_what_answers_and_keeps():
    statement = """
from pathlib import Path
from tempfile import TemporaryDirectory
from costspan.server.assembly import make_server
from costspan.server.config import ServerConfig
with TemporaryDirectory() as folder:
    make_server(ServerConfig(data=Path(folder) / "ledger")).close()
"""

    done = run(sys.executable, "-c", NEWLY_LOADED.format(statement=statement), PYTHONPATH=str(PACKAGE.parent))

    loaded = set(done.stdout.split())
    assert {"duckdb", "fastapi", "uvicorn"} <= loaded, done.stderr
    # Statistics, HTTP clients, delivery of alerts, warehouses, the other store, MCP: each where it is used.
    assert not loaded & {"adbc_driver_manager", "apprise", "clickhouse_connect", "httpx2", "mcp", "numpy", "requests"}
    assert not loaded & {"anthropic", "boto3", "openai", "psutil", "pyarrow", "rich", "urllib3"}
