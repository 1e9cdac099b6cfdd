"""The servers compared: how each is started on a free port with an empty folder, or reached where it runs already.

A peer takes part when its command is found (beside this Python or on PATH) or when its address is in the environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.exchange import get
from costspan.cli.demo_server import free_port

READY_WITHIN_S = 180
STOPS_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Product:
    """A server by name. `arguments` makes its command line, `settings` its environment, from a port and a folder."""

    name: str
    executable: str
    url_variable: str
    ready_path: str
    version: Callable[[str], str]
    arguments: Callable[[int, Path], list[str]]
    settings: Callable[[int, Path], dict[str, str]] = lambda _port, _folder: {}


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. `pid` is None where it was running before."""

    product: Product
    url: str
    version: str
    pid: int | None
    stop: Callable[[], int] = lambda: 0
    """Stops it early and returns the bytes of its folder."""

    @property
    def own_pid(self) -> int:
        """The process that was started. Raises RuntimeError for a server that ran before: its CPU cannot be read."""
        if self.pid is None:
            raise RuntimeError(f"unset {self.product.url_variable}: the benchmark starts its own {self.product.name}")
        return self.pid


COSTSPAN = Product(
    name="costspan",
    executable=sys.executable,
    url_variable="COSTSPAN_BENCH_URL",
    ready_path="/readyz",
    version=lambda url: str(get(f"{url}/api/v1/ingest").document["version"]),
    arguments=lambda port, folder: [
        "-m",
        "costspan.cli",
        "serve",
        "--port",
        str(port),
        "--no-grpc",
        "--data",
        str(folder),
    ],
)
PHOENIX = Product(
    name="phoenix",
    executable="phoenix",
    url_variable="PHOENIX_URL",
    ready_path="/healthz",
    version=lambda url: get(f"{url}/arize_phoenix_version").body.decode(),
    arguments=lambda _port, _folder: ["serve"],
    settings=lambda port, folder: {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    },
)
MLFLOW = Product(
    name="mlflow",
    executable="mlflow",
    url_variable="MLFLOW_URL",
    ready_path="/health",
    version=lambda url: get(f"{url}/version").body.decode(),
    arguments=lambda port, folder: [
        *("server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--default-artifact-root", str(folder / "artifacts")),
    ],
    settings=lambda _port, _folder: {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_MODEL_CATALOG_URI": "",
    },
)
VICTORIATRACES = Product(
    name="victoria-traces",
    executable="victoria-traces",
    url_variable="VICTORIATRACES_URL",
    ready_path="/health",
    version=lambda url: get(f"{url}/metrics").body.decode().partition('short_version="')[2].partition('"')[0],
    arguments=lambda port, folder: [
        f"-storageDataPath={folder}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=2y",
    ],
)


def takes_part(product: Product) -> bool:
    """Return True when the server can be started here or is said to run somewhere."""
    return bool(os.environ.get(product.url_variable)) or _command(product) is not None


@contextmanager
def running(product: Product) -> Iterator[Running]:
    """Yield the server once it is ready, and stop it afterwards if it was started here. Raises RuntimeError."""
    if url := os.environ.get(product.url_variable):
        yield Running(product, url.rstrip("/"), product.version(url.rstrip("/")), None)
        return
    with tempfile.TemporaryDirectory(prefix=f"bench-{product.name}-", ignore_cleanup_errors=True) as top:
        folder, port = Path(top) / "data", free_port()
        folder.mkdir()
        command = [str(_command(product)), *product.arguments(port, folder)]
        environment = {**os.environ, **product.settings(port, folder)}
        with (Path(top) / "log").open("w+b") as log:
            process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_until_ready(product, url, process, log.name)
                yield Running(product, url, product.version(url), process.pid, partial(_stopped, process, folder))
            finally:
                _stop(process)


def _command(product: Product) -> str | None:
    beside = Path(sys.executable).parent
    return shutil.which(product.executable, path=os.pathsep.join([str(beside), os.environ.get("PATH", "")]))


def _wait_until_ready(product: Product, url: str, process: subprocess.Popen[bytes], log: str) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            if get(url + product.ready_path).status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{product.name} was not ready: {Path(log).read_text(errors='replace')[-2000:]}")


def _stopped(process: subprocess.Popen[bytes], folder: Path) -> int:
    _stop(process)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
