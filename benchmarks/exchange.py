"""One HTTP exchange, as both benchmarks need it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def get(url: str) -> Answer:
    """Ask."""
    return _exchange(Request(url))


def post(url: str, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> Answer:
    """Send bytes."""
    return _exchange(Request(url, body, {"Content-Type": content_type, **(headers or {})}))


def post_json(url: str, document: Any) -> Answer:
    """Send a document."""
    return post(url, json.dumps(document).encode(), "application/json")


def _exchange(request: Request) -> Answer:
    try:
        with urlopen(request, timeout=TIMEOUT_S) as response:
            return Answer(response.status, response.read())
    except HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.read())
