"""The measured process: `program.py PEER SINK`. Sets the peer up, then makes the calls it is told to, batch by batch.

On standard output, one JSON document a line: what the start took, then an answer to each line of standard input.
`KIND COUNT` makes calls and tells the CPU of the calling thread for each; `flush` sends what is waiting and tells the
CPU of all threads so far.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import answers
import setups

CALLS = {"chat": answers.chat, "stream": answers.stream}
_WARM_UP = 30
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def main(peer: str, sink: str) -> None:
    """Serve until standard input ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # peers print banners
    flush = _start(getattr(setups, peer)(sink), out)
    client = answers.client()
    for call in CALLS.values():
        _thread_us(call, client, _WARM_UP)
    flush()
    for line in sys.stdin:
        kind, _, count = line.strip().partition(" ")
        if kind == "flush":
            flush()
            _tell(out, process_us=time.process_time_ns() / 1e3, rss_mib=_rss_mib())
        else:
            _tell(out, thread_us=_thread_us(CALLS[kind], client, int(count)))
    os._exit(0)  # what a peer does at exit is not measured


def _start(set_up: setups.Setup, out: TextIO) -> setups.Flush:
    """Import the client and the peer, set it up, make the first call, and tell the CPU of all that.

    Counted from the start of the process, since a peer may be loaded by what the client imports.
    """
    answers.client()
    next(set_up)
    imported_s = time.process_time()
    flush = next(set_up)
    answers.chat(answers.client())
    flush()
    _tell(out, import_ms=imported_s * 1e3, ready_ms=time.process_time() * 1e3)
    return flush


def _thread_us(call: Any, client: Any, count: int) -> float:
    began_ns = time.thread_time_ns()
    for _ in range(count):
        call(client)
    return (time.thread_time_ns() - began_ns) / count / 1e3


def _rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES / 2**20


def _tell(out: TextIO, **document: float) -> None:
    out.write(json.dumps(document) + "\n")


main(*sys.argv[1:])
