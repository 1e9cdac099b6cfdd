"""Running the server: one process, uvicorn, a clean stop on SIGTERM."""

from __future__ import annotations

import gc
import logging
import socket

import uvicorn
from fastapi import FastAPI

from costspan.core.errors import Unreachable
from costspan.server.config import ServerConfig

STOP_GRACE_S = 20
COLLECT_AFTER = 200_000
"""New containers between two looks for circles: records and rows form none, and a look reads all that is held."""


def bind(config: ServerConfig) -> socket.socket:
    """Return a listening socket. Raise Unreachable, naming the port, when it is taken."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((config.host, config.port))
    except OSError as error:
        listening.close()
        raise Unreachable(
            f"cannot listen on {config.host}:{config.port}: {error.strerror}; choose another --port"
        ) from None
    listening.listen(1024)
    return listening


def run(app: FastAPI, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first."""
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_GRACE_S,
        timeout_keep_alive=75,
        proxy_headers=False,
    )
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    uvicorn.Server(settings).run(sockets=[listening])


def log_to_stderr() -> None:
    """Write the server's own log lines, and warnings of others, to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("costspan").setLevel(logging.INFO)
