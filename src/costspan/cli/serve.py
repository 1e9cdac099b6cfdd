"""`costspan serve`: OTLP in, API and dashboard out, on one port; OTLP/gRPC on another."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from costspan.core.errors import UsageError

if TYPE_CHECKING:
    from costspan.server.config import Tls


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4318, help="OTLP/HTTP, API and dashboard (default: %(default)s)")
    parser.add_argument("--grpc-port", type=int, default=4317, help="OTLP/gRPC (default: %(default)s)")
    parser.add_argument("--no-grpc", action="store_true", help="no OTLP/gRPC")
    parser.add_argument("--data", type=Path, help="folder of the ledger (default: $COSTSPAN_DATA or costspan-data)")
    parser.add_argument(
        "--store",
        metavar="URL",
        help="duckdb, or clickhouse://user:password@host:8123/database (default: $COSTSPAN_STORE, then store: of "
        "costspan.yaml, then a file in --data)",
    )
    parser.add_argument("--config", type=Path, help="costspan.yaml (default: $COSTSPAN_CONFIG or the one in --data)")
    parser.add_argument("--tls-cert", type=Path, help="certificate and its chain (PEM): TLS on both ports")
    parser.add_argument("--tls-key", type=Path, help="private key of the certificate (PEM)")
    parser.add_argument(
        "--self-trace", action="store_true", help="send spans of the questions asked to $OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    parser.add_argument(
        "--log-calls", type=Path, metavar="FILE", help="write a JSON line for each call to FILE, or - for stdout"
    )
    parser.add_argument("--root-path", default="", help="path prefix under which a reverse proxy serves costspan")


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    from costspan.server import runtime
    from costspan.server.assembly import make_server
    from costspan.server.config import (
        DEFAULT_DATA,
        ServerConfig,
        api_key_from,
        read_settings,
        settings_file,
        store_url,
    )
    from costspan.server.logs import log_to_stderr

    log_to_stderr()
    data = arguments.data or Path(os.environ.get("COSTSPAN_DATA") or DEFAULT_DATA)
    named = arguments.config or _path(os.environ.get("COSTSPAN_CONFIG"))
    said = arguments.store or os.environ.get("COSTSPAN_STORE")
    settings = read_settings(settings_file(data, named))
    config = ServerConfig(
        data=data,
        host=arguments.host,
        port=arguments.port,
        grpc_port=None if arguments.no_grpc else arguments.grpc_port,
        tls=_tls(arguments.tls_cert, arguments.tls_key),
        self_trace=arguments.self_trace,
        log_calls=arguments.log_calls,
        root_path=arguments.root_path.rstrip("/"),
        api_key=api_key_from(),
        store=store_url(said, "--store") if said else settings.store,
        settings=settings,
        file=settings_file(data, named),
    )
    # Where standard output is the log, it is nothing else.
    told = sys.stderr if arguments.log_calls == Path("-") else sys.stdout
    runtime.run(config, lambda: make_server(config), lambda said: print(f"costspan: {said}", flush=True, file=told))
    return 0


def _tls(cert: Path | None, key: Path | None) -> Tls | None:
    from costspan.server.config import Tls

    if (cert is None) != (key is None):
        raise UsageError("--tls-cert and --tls-key go together")
    return Tls(cert, key) if cert and key else None


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
