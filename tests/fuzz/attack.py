"""Sends requests through both doors from several connections and judges each answer."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
from bodies_of_corpus import Sent, request, seeds
from google.rpc.status_pb2 import Status

from serving import JSON, PROTOBUF, Server

ALLOWED = {200, 400, 413, 415, 503}
ALLOWED_CODES = {"OK", "INVALID_ARGUMENT", "UNAVAILABLE"}
TIMEOUT_S = 30
SERVICES = {"traces": "trace.v1.TraceService", "logs": "logs.v1.LogsService", "metrics": "metrics.v1.MetricsService"}


class Attack:
    """`answers` counts what was said; `run` returns what was wrong, in words."""

    def __init__(self, server: Server, seed: int, senders: int = 8) -> None:
        self.answers: Counter[str] = Counter()
        self._server = server
        self._seed = seed
        self._senders = senders
        self._known = seeds()
        self._lock = threading.Lock()

    def run(self, first: int, count: int) -> list[str]:
        """Send requests number `first` and on."""
        with ThreadPoolExecutor(self._senders) as pool:
            shares = [range(first + sender, first + count, self._senders) for sender in range(self._senders)]
            return [fault for faults in pool.map(self._send_all, shares) for fault in faults]

    def _send_all(self, numbers: range) -> list[str]:
        faults, answers = [], Counter[str]()
        http_door = http.client.HTTPConnection(self._server.url, timeout=TIMEOUT_S)
        with grpc.insecure_channel(self._server.grpc_url) as grpc_door:
            for number in numbers:
                sent = request(self._known, self._seed, number)
                by_grpc = number % 4 == 0
                try:
                    said, fault = _by_grpc(grpc_door, sent) if by_grpc else _by_http(http_door, sent)
                except (OSError, http.client.HTTPException) as error:
                    said, fault = type(error).__name__, f"no answer: {error!r}"
                    http_door.close()
                answers[said] += 1
                if fault:
                    faults.append(f"request {number} ({sent.signal}, {sent.content_type}, {sent.encoding}): {fault}")
        http_door.close()
        with self._lock:
            self.answers += answers
        return faults


def _by_http(door: http.client.HTTPConnection, sent: Sent) -> tuple[str, str]:
    headers = {"Content-Type": sent.content_type, "Content-Encoding": sent.encoding}
    door.request("POST", f"/v1/{sent.signal}", sent.body, headers)
    response = door.getresponse()
    body = response.read()
    fault = "" if response.status in ALLOWED else f"status {response.status}"
    if response.status == 503 and not response.getheader("Retry-After"):
        fault = "503 without Retry-After"
    if response.status >= 400 and response.getheader("Content-Type") == PROTOBUF and not Status.FromString(body).code:
        fault = "an error without a google.rpc.Status"
    if response.getheader("Content-Type") not in (JSON, PROTOBUF):
        fault = f"an answer of type {response.getheader('Content-Type')}"
    return str(response.status), fault


def _by_grpc(door: grpc.Channel, sent: Sent) -> tuple[str, str]:
    call = door.unary_unary(f"/opentelemetry.proto.collector.{SERVICES[sent.signal]}/Export").future(
        sent.body, timeout=TIMEOUT_S
    )
    error = call.exception()
    code = "OK" if error is None else error.code().name
    return code, "" if code in ALLOWED_CODES else f"{code}: {error.details()}"
