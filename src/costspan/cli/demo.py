"""`costspan demo`: a month of plausible traffic through the real receiver, then live traffic."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Final

from costspan.cli.ask import ServerLedger, is_costspan
from costspan.cli.demo_server import DemoServer, add_to_config, free_port, fresh_folder
from costspan.cli.send import OtlpSender
from costspan.cli.table import money_text, progress_bar
from costspan.core.clock import NS_PER_S, now_ns, ns_from_utc, system_clock
from costspan.core.errors import Unreachable, UsageError
from costspan.core.period import iso
from costspan.core.record import SpanRecord
from costspan.testing.demo_traffic import DemoTraffic, late_price_overlay, price_overlay
from costspan.testing.otlp import protobuf_body

BATCH_SPANS: Final = 512
LIVE_CALLS_PER_DAY: Final = 170_000
"""About two calls a second."""
_DEFAULT_PORT: Final = 4318


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `demo`."""
    parser.add_argument("--days", type=int, default=30, help="days of history (default: 30)")
    parser.add_argument(
        "--port", type=int, help=f"port of the server; 0 takes a free one (default: {_DEFAULT_PORT}, with --once 0)"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("costspan-demo"), help="its own folder (default: costspan-demo)"
    )
    parser.add_argument("--url", help="feed this running server instead of starting one")
    parser.add_argument("--once", action="store_true", help="load the history, stop, and leave the folder readable")
    parser.add_argument("--calls-per-day", type=int, default=1_850, help="mean number of calls a day (default: 1850)")


def run(arguments: argparse.Namespace) -> int:
    """Load the history and, unless `--once`, go on with live traffic until interrupted."""
    if not 1 <= arguments.days <= 400 or not 1 <= arguments.calls_per_day <= 1_000_000:
        raise UsageError("--days is 1 to 400 and --calls-per-day 1 to 1000000")
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        _play(arguments, system_clock())
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _play(arguments: argparse.Namespace, now: datetime) -> None:
    with _server(arguments, now) as url:
        traffic = DemoTraffic(now=now, calls_per_day=arguments.calls_per_day)
        since = now - timedelta(days=arguments.days)
        sent = _send_history(traffic, since, url)
        if not arguments.url:
            add_to_config(arguments.data, late_price_overlay(now))
        stays_up = arguments.url or not arguments.once
        dashboard = f" Dashboard: {url}/" if stays_up else ""
        print(_closing_line(sent, ServerLedger(url), since) + dashboard, flush=True)
        if not arguments.once:
            print("Live traffic goes on; Ctrl-C stops it.", flush=True)
            with suppress(KeyboardInterrupt):
                _send_live(url)
    if arguments.once and not arguments.url:
        print(f"Read it: costspan report --data {arguments.data}, or costspan serve --data {arguments.data}")
        print(f"A rebate has come in since: costspan reprice --dry-run --data {arguments.data}")


@dataclass(frozen=True, slots=True)
class _Sent:
    spans: int
    seconds: float


def _server(arguments: argparse.Namespace, now: datetime) -> DemoServer | nullcontext[str]:
    if arguments.url:
        if not is_costspan(arguments.url):
            raise Unreachable(f"no costspan server answers at {arguments.url}; start one: costspan serve")
        return nullcontext(arguments.url)
    usual = 0 if arguments.once else _DEFAULT_PORT
    port = usual if arguments.port is None else arguments.port
    return DemoServer(fresh_folder(arguments.data, price_overlay(now)), port or free_port())


def _send_history(traffic: DemoTraffic, since: datetime, url: str) -> _Sent:
    started_s = time.monotonic()
    count = 0
    since_ns, whole_ns = ns_from_utc(since), ns_from_utc(traffic.now) - ns_from_utc(since)
    with progress_bar("Sending history", whole_ns) as show, OtlpSender(url) as sender:
        for batch in _batches(traffic.spans(since, traffic.now)):
            sender.send(protobuf_body(batch), "application/x-protobuf")
            count += len(batch)
            show(batch[-1].end_ns - since_ns)
    if sender.rejected_spans:
        raise Unreachable(f"{url} rejected {sender.rejected_spans} of {count} spans; see {url}/api/v1/ingest")
    return _Sent(count, time.monotonic() - started_s)


def _send_live(url: str) -> None:
    now = system_clock()
    traffic = DemoTraffic(now=now, calls_per_day=LIVE_CALLS_PER_DAY, steady=True)
    due: list[SpanRecord] = []
    with OtlpSender(url, connections=1) as sender:
        for span in traffic.spans(now, now + timedelta(days=365)):
            if span.end_ns > now_ns():
                if due:
                    sender.post(protobuf_body(due), "application/x-protobuf")
                    due = []
                # At least half a second, so that quick neighbours share a request.
                time.sleep(max(0.5, (span.end_ns - now_ns()) / NS_PER_S))
            due.append(span)


def _batches(spans: Iterator[SpanRecord]) -> Iterator[list[SpanRecord]]:
    while batch := list(islice(spans, BATCH_SPANS)):
        yield batch


def _closing_line(sent: _Sent, ledger: ServerLedger, since: datetime) -> str:
    total = ledger.ask("/api/v1/spend", [("interval", "total"), ("since", iso(since))])["total"]
    return (
        f"{sent.spans:,} spans sent in {sent.seconds:.1f} s: {money_text(total['cost_usd'])} for"
        f" {total['calls']:,} calls, {total['unpriced_calls']:,} without a price."
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
