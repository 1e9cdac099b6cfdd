"""Running the server: one process, one event loop, both doors, a clean stop on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
import uvicorn
from fastapi import FastAPI

from costspan.core.errors import Unreachable
from costspan.server.config import ServerConfig
from costspan.server.receiver.http_protocol import bounded_headers
from costspan.server.receiver.otlp_grpc import OPTIONS

STOP_GRACE_S: Final = 20
COLLECT_AFTER: Final = 500_000
"""New containers between two looks for circles: records and rows form none, and a look reads all that is held."""


@dataclass(frozen=True, slots=True)
class Application:
    """What answers at the doors: an ASGI application and gRPC's generic handlers.

    `end_streams` is called when a stop begins, `close` once the last request is answered.
    """

    http: FastAPI
    grpc: Sequence[Any]
    end_streams: Callable[[], None]
    close: Callable[[], None]


def run(config: ServerConfig, open_application: Callable[[], Application], say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first.

    The ports are taken before the application is opened. Raise Unreachable, naming the option, when one is not free.
    """
    _allow_many_connections()
    # uvicorn raises the signal that stopped it once more; by then the stop is under way.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        runner.run(_serve(config, open_application, say))


async def _serve(config: ServerConfig, open_application: Callable[[], Application], say: Callable[[str], None]) -> None:
    with _listen(config.host, config.port, "--port") as listening:
        otlp_grpc, grpc_port = _grpc_server(config)
        application = open_application()
        try:
            if otlp_grpc is not None:
                otlp_grpc.add_generic_rpc_handlers(application.grpc)
                await otlp_grpc.start()
            host, port = listening.getsockname()[:2]
            beside = f"OTLP/gRPC on {_address(host, grpc_port)}, " if grpc_port else ""
            scheme = "https" if config.tls else "http"
            say(f"dashboard and OTLP/HTTP on {scheme}://{_address(host, port)}, {beside}ledger {_ledger(config)}")
            gc.freeze()
            gc.set_threshold(COLLECT_AFTER, 20, 20)
            http = _HttpServer(_http_settings(config, application.http), application.end_streams)
            await http.serve(sockets=[listening])
        finally:
            if otlp_grpc is not None:
                await otlp_grpc.stop(STOP_GRACE_S)
            application.close()
            # What is frozen is not taken down with the interpreter, and DuckDB's binding reports it as leaked.
            gc.unfreeze()


def _ledger(config: ServerConfig) -> str:
    return f"at {urlsplit(config.store).hostname}" if config.store else f"in {config.data}"


class _HttpServer(uvicorn.Server):
    """Ends what would never end by itself before it waits for answers under way."""

    def __init__(self, settings: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(settings)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)


def _listen(host: str, port: int, option: str) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        hint = " or --no-grpc" if option == "--grpc-port" else ""
        raise Unreachable(
            f"cannot listen on {_address(host, port)}: {error.strerror}; choose another {option}{hint}"
        ) from None
    listening.listen(1024)
    return listening


def _grpc_server(config: ServerConfig) -> tuple[Any | None, int]:
    """Return the server of OTLP/gRPC, bound and not yet started, and its port; none where it is switched off."""
    if config.grpc_port is None:
        return None, 0
    # gRPC cannot take a socket over and does not say why it has no port.
    _listen(config.host, config.grpc_port, "--grpc-port").close()
    server = grpc.aio.server(options=OPTIONS)
    address = _address(config.host, config.grpc_port)
    if config.tls is None:
        return server, server.add_insecure_port(address)
    pair = (config.tls.key.read_bytes(), config.tls.cert.read_bytes())
    return server, server.add_secure_port(address, grpc.ssl_server_credentials([pair]))


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _http_settings(config: ServerConfig, app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=bounded_headers(config.settings.limits.receive_timeout_s),
        ws="none",
        ssl_certfile=config.tls.cert if config.tls else None,
        ssl_keyfile=config.tls.key if config.tls else None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_GRACE_S,
        timeout_keep_alive=75,
        proxy_headers=False,
    )


def _allow_many_connections() -> None:
    """Raise the soft limit of open files to the hard one: many distributions start at 1,024 for old programs' sake."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not there on Windows

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
