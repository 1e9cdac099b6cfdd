"""A file a server sends, written as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from costspan.cli.ask import answer_document, authorization, connect
from costspan.core.errors import Unreachable

PATIENCE_S: Final = 600
_CHUNK_BYTES: Final = 1024 * 1024


def download(url: str, method: str, path: str, target: Path, show: Callable[[float], None]) -> HTTPMessage:
    """Write what `url` answers to `path` into a file that is not there yet, durably; return the answer's headers.

    `show` is told the share that came. Raise Unreachable where the answer is no file or ends early, UsageError
    where the server refuses the question.
    """
    link = connect(url, PATIENCE_S)
    try:
        link.request(
            method, f"{urlsplit(url).path.rstrip('/')}{path}", b"" if method == "POST" else None, authorization()
        )
        response = link.getresponse()
        if response.status != 200:
            answer_document(url, path.partition("?")[0], response.status, response.read())
        size = int(response.getheader("Content-Length") or 0)
        with target.open("xb") as file:
            while chunk := response.read(_CHUNK_BYTES):
                file.write(chunk)
                show(file.tell() / max(size, 1))
            file.flush()
            os.fsync(file.fileno())
        if target.stat().st_size != size:
            raise Unreachable(f"{url} sent {target.stat().st_size:,} of {size:,} bytes")
    except (OSError, HTTPException) as error:
        raise Unreachable(f"{url}{path.partition('?')[0]} was not received: {error}") from None
    finally:
        link.close()
    return response.headers
