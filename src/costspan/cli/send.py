"""Sends OTLP request bodies to a receiver, several in flight, and obeys its "not now".

Used by `demo` and `import`. What the receiver refuses for good stops the sending; what it cannot take yet waits.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from costspan.cli.ask import authorization, connect
from costspan.core.errors import PermanentError, Unreachable

Encoding = Literal["application/x-protobuf", "application/json"]

_NOT_NOW: Final = frozenset({429, 502, 503, 504})
"""Retryable status codes (OTLP specification, "Failures")."""
_PATIENCE_S: Final = 120.0
_TIMEOUT_S: Final = 60.0


class OtlpSender:
    """Posts bodies to `/v1/traces` or another signal's path. A context manager; leaving it waits for what is in flight.

    `rejected_spans` sums what the receiver took only in part, of any signal. A failure in flight is raised by the next
    `send`, or on leaving: PermanentError for a body refused for good, Unreachable when nobody takes it in time.
    """

    def __init__(self, url: str, *, connections: int = 4) -> None:
        self.url = url
        self.rejected_spans = 0
        self._base = f"{urlsplit(url).path.rstrip('/')}/v1/"
        self._own = threading.local()
        self._opened: list[HTTPConnection] = []
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="otlp")
        self._room = threading.BoundedSemaphore(2 * connections)
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        for link in self._opened:
            link.close()
        if error is None and self._failure:
            raise self._failure

    def send(self, body: bytes, encoding: Encoding, done: Callable[[], None] | None = None) -> None:
        """Hand over one body, waiting while too many are in flight. `done` is called, in a worker, once it is taken."""
        self._room.acquire()
        if self._failure:
            self._room.release()
            raise self._failure
        self._pool.submit(self.post, body, encoding).add_done_callback(lambda future: self._settle(future, done))

    def post(self, body: bytes, encoding: Encoding, signal: str = "traces") -> None:
        """Send one body now, of traces, logs or metrics, and wait for the answer."""
        packed = gzip.compress(body, compresslevel=1)
        give_up_at = time.monotonic() + _PATIENCE_S
        while True:
            response, answer = self._exchange(packed, encoding, signal)
            if response.status == 200:
                with self._lock:
                    self.rejected_spans += _rejected(answer, encoding)
                return
            if response.status not in _NOT_NOW:
                raise PermanentError(f"{self.url} refused spans: {response.status} {_reason(answer)}")
            pause_s = _retry_after_s(response)
            if time.monotonic() + pause_s > give_up_at:
                raise Unreachable(f"{self.url} has not taken spans for {_PATIENCE_S:.0f} s ({response.status})")
            time.sleep(pause_s)

    def _exchange(self, packed: bytes, encoding: Encoding, signal: str) -> tuple[HTTPResponse, bytes]:
        headers = {"Content-Type": encoding, "Content-Encoding": "gzip", **authorization()}
        link = self._link()
        if link.sock is not None:
            # A server may close a kept connection at any time; only a fresh one that fails says that nobody is there.
            with suppress(OSError, HTTPException):
                return _asked(link, self._base + signal, packed, headers)
            link.close()
        try:
            return _asked(link, self._base + signal, packed, headers)
        except (OSError, HTTPException) as error:
            link.close()
            raise Unreachable(f"{self.url} does not take spans: {error}") from None

    def _link(self) -> HTTPConnection:
        if not hasattr(self._own, "link"):
            self._own.link = connect(self.url, _TIMEOUT_S)
            self._opened.append(self._own.link)
        link: HTTPConnection = self._own.link
        return link

    def _settle(self, future: Future[None], done: Callable[[], None] | None) -> None:
        self._room.release()
        if future.cancelled():
            return
        if (failure := future.exception()) is not None:
            self._failure = self._failure or failure
        elif done:
            done()


def _asked(link: HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
    link.request("POST", path, body, headers)
    response = link.getresponse()
    return response, response.read()


def _retry_after_s(response: HTTPResponse) -> float:
    try:
        return max(0.0, float(response.getheader("Retry-After") or 1))
    except ValueError:
        return 1.0


def _rejected(answer: bytes, encoding: Encoding) -> int:
    if encoding == "application/json":
        partial = json.loads(answer or b"{}").get("partialSuccess") or {}
        return sum(
            int(partial.get(name) or 0) for name in ("rejectedSpans", "rejectedLogRecords", "rejectedDataPoints")
        )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    return ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans


def _reason(answer: bytes) -> str:
    return answer[:200].decode("utf-8", "replace").strip() or "without a reason"
