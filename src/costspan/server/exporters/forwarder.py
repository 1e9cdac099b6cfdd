"""OTLP out: what was received goes on, with its cost, to whatever backend a team has.

The records a ledger keeps are the queue, so it is durable and its bound is their retention; all that is added is a mark
for each target, moved when the target has taken everything of one commit. After a crash the last of them go again, with
the same ids. What comes back round a circle of ledgers is known by its id, is not kept again, and so goes no further.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from costspan import __version__
from costspan.core.call import Role
from costspan.core.clock import Clock
from costspan.core.errors import CostspanError
from costspan.core.record import LogRecord, SpanRecord
from costspan.server.background import Background
from costspan.server.exporters.enriched import enriched
from costspan.server.exporters.forward_settings import Target
from costspan.server.exporters.otlp_request import logs_request, traces_request
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.keeping import kept_record
from costspan.server.pipeline.replay import event_of
from costspan.server.store.entry import KeptRecord
from costspan.server.store.forward import ForwardLedger, Told

MOST_RECORDS: Final = 512
"""Records of one request, as exporters send by default."""
_RETRYABLE: Final = (429, 502, 503, 504)
"""What OTLP/HTTP says may be sent again (opentelemetry.io/docs/specs/otlp, "Retryable Response Codes")."""
_LOOK_EVERY_S: Final = 1.0
_WAIT_S: Final = 5.0
"""After the quick retries of a request have failed, unless the target says how long; then at most a minute."""
_LONGEST_WAIT_S: Final = 60.0
_HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "gzip",
    "User-Agent": f"costspan/{__version__}",
}
_LANGFUSE: Final = {"x-langfuse-ingestion-version": "4"}
"""Langfuse asks exporters other than its own to send it (its Public API description)."""

_log = logging.getLogger("costspan.forward")


@dataclass(frozen=True, slots=True)
class Progress:
    """What went to a target since the start: records it took, records it refused for good, how far behind it is."""

    target: str
    sent: int
    refused: int
    lag_s: float
    trouble: str | None


class Forwarder:
    """Sends what is received on to one target, in a thread of its own."""

    def __init__(self, committer: Committer, ledger: ForwardLedger, target: Target, clock: Clock) -> None:
        self._committer = committer
        self._ledger = ledger
        self._target = target
        self._clock = clock
        self._session = _session(target)
        self._forwarding = Background(f"forward-{target.name}", self._look)
        self._sent = self._refused = 0
        self._trouble: str | None = None
        self._reached = clock()

    def start(self) -> None:
        """Begin; a target that is new gets what is received from now on. Raise StoreUnavailable."""
        mark = self._ledger.mark(self._target.name)
        if mark is None:
            mark = self._clock()
            self._set_mark(mark)
        self._reached = mark
        self._forwarding.start()

    def stop(self) -> None:
        """Stop; what was not taken yet goes at the next start."""
        self._forwarding.stop(self._target.timeout_s + 1)
        self._session.close()

    @property
    def progress(self) -> Progress:
        """How far this has come."""
        newest = self._ledger.newest()
        behind = (newest - self._reached).total_seconds() if newest else 0.0
        return Progress(self._target.name, self._sent, self._refused, max(0.0, behind), self._trouble)

    def _look(self) -> float:
        try:
            wait_s = 0.0 if self._step() else _LOOK_EVERY_S
        except (requests.RequestException, CostspanError) as error:
            self._trouble = f"{type(error).__name__}: {error}"
            wait_s = _asked_wait_s(error)
            _log.warning("%s takes nothing, tried again in %.0f s: %s", self._target.name, wait_s, error)
        else:
            self._trouble = None
        return wait_s

    def _step(self) -> bool:
        """Send what was received with one commit; return False where there was nothing yet."""
        until = self._clock() - timedelta(seconds=self._target.delay_s)
        found = self._ledger.received_after(self._reached, until)
        if found is None:
            return False
        moment, kept = found
        for batch in _batches(kept):
            spans, logs = self._leaving(batch)
            if spans:
                self._post("traces", traces_request(spans), len(spans))
            if logs and not self._target.is_langfuse:
                self._post("logs", logs_request(logs), len(logs))
        self._set_mark(moment)
        self._reached = moment
        return True

    def _set_mark(self, at: datetime) -> None:
        self._committer.between_commits(lambda _: self._ledger.set_mark(self._target.name, at)).result()

    def _leaving(self, batch: Sequence[KeptRecord]) -> tuple[list[SpanRecord], list[LogRecord]]:
        records = [(kept_record(found), _identity(found)) for found in batch]
        told = self._ledger.told([identity for _, identity in records])
        spans: list[SpanRecord] = []
        logs: list[LogRecord] = []
        for record, identity in records:
            verdict = told.get(identity)
            if not self._target.duplicates and _is_second(verdict):
                continue
            if isinstance(record, SpanRecord):
                spans.append(enriched(record, verdict, drop=self._target.drop, langfuse=self._target.is_langfuse))
            else:
                logs.append(enriched(record, verdict, drop=self._target.drop))
        return spans, logs

    def _post(self, signal: str, body: bytes, count: int) -> None:
        answer = self._session.post(
            f"{self._target.endpoint}/v1/{signal}",
            gzip.compress(body, 1),
            timeout=self._target.timeout_s,
            allow_redirects=False,
        )
        if answer.status_code in _RETRYABLE or answer.status_code in {401, 403, 404} or answer.status_code >= 500:
            # A wrong key or address is somebody's to mend; nothing is lost meanwhile.
            raise requests.HTTPError(f"{answer.status_code} {answer.reason}", response=answer)
        if not answer.ok:
            self._refused += count
            _log.warning(
                "%s refused %d records for good: %d %s", self._target.name, count, answer.status_code, answer.text[:200]
            )
            return
        rejected = _rejected(signal, answer.content)
        if rejected:
            _log.warning("%s took all but %d of %d records", self._target.name, rejected, count)
        self._sent += count - rejected
        self._refused += rejected


def _session(target: Target) -> requests.Session:
    """Return a session that tries a few times at once before it gives up."""
    session = requests.Session()
    retry = Retry(
        total=2, backoff_factor=0.2, backoff_jitter=0.2, status_forcelist=_RETRYABLE, allowed_methods=None,
        respect_retry_after_header=False, raise_on_status=False, redirect=0,
    )  # fmt: skip
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers.update({**_HEADERS, **(_LANGFUSE if target.is_langfuse else {}), **target.headers})
    return session


def _asked_wait_s(error: Exception) -> float:
    response = getattr(error, "response", None)
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(asked), _LONGEST_WAIT_S) if asked.isdecimal() else _WAIT_S


def _batches(kept: Sequence[KeptRecord]) -> Iterator[Sequence[KeptRecord]]:
    return (kept[first : first + MOST_RECORDS] for first in range(0, len(kept), MOST_RECORDS))


def _identity(found: KeptRecord) -> str:
    """Return how the ledger knows a record; an event goes by what it is read as."""
    record = kept_record(found)
    if isinstance(record, LogRecord) and (call := event_of(record, found.key)):
        return KeptRecord(call.identity, 0, b"", found.tenant).identity
    return found.identity


def _is_second(told: Told | None) -> bool:
    return told is not None and told.role is not Role.OWNER


_ANSWERS: Final[dict[str, Callable[[bytes], int]]] = {
    "traces": lambda body: ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans,
    "logs": lambda body: ExportLogsServiceResponse.FromString(body).partial_success.rejected_log_records,
}


def _rejected(signal: str, body: bytes) -> int:
    try:
        return _ANSWERS[signal](body)
    except DecodeError:
        return 0  # JSON, or a page: an answer of 200 all the same
