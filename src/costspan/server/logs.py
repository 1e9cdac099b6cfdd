"""The server's own log lines: on standard error, for whoever runs it to keep."""

from __future__ import annotations

import logging


def log_to_stderr() -> None:
    """Write the server's own log lines, and warnings of others, to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("costspan").setLevel(logging.INFO)
    # It tells of every sender that went away while it was answered, with a traceback.
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
