"""`costspan trace ID`: one trace as a tree, the cost of each span, what is not counted and why."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from costspan.cli.ask import add_source_options, reach
from costspan.cli.call_text import counts, tokens, verdict
from costspan.cli.table import UNKNOWN, money_text
from costspan.core.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `trace`."""
    parser.add_argument("id", help="the trace id in hexadecimal, or at least its first 6 digits")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the trace."""
    if not (arguments.id.isascii() and arguments.id.isalnum()):
        raise UsageError(f"trace id {arguments.id!r} is not hexadecimal")
    with reach(arguments) as ledger:
        document = ledger.ask(f"/api/v1/traces/{arguments.id}")
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_text(document)))
    return 0


def _text(document: dict[str, Any]) -> Iterator[str]:
    spans = document["spans"]
    yield f"trace {document['trace_id']}, {spans[0]['started_at'] if spans else ''}"
    yield ""
    for span, (stem, branch) in zip(spans, _branches([span["depth"] for span in spans]), strict=True):
        yield stem + _title(span)
        yield from (branch + line for line in _details(span["call"]))
    if document["elsewhere"]:
        yield "\nRecords of the same calls in other traces:"
        for call in document["elsewhere"]:
            yield f"  {_name(call)}  {money_text(call['cost_usd'])}  {verdict(call)}"
            yield f"    trace {call['trace_id'] or UNKNOWN}, {_recorder(call)}"
    if document["history"]:
        yield "\nCorrected:"
        for entry in document["history"]:
            at = entry["taken_back_at"][:19].replace("T", " ")
            yield f"  {at}  {entry['span_id'] or 'event'}  {money_text(entry['cost_usd'])} taken back: {entry['why']}"
    yield ""
    yield _total(document["total"])


def _branches(depths: Sequence[int]) -> list[tuple[str, str]]:
    """Return for each line of a tree, given in order by depth, what is drawn before it and before its details."""
    drawn = []
    next_depth = 0
    follows: set[int] = set()  # levels on which a later line goes on, seen from the last line up
    for depth in reversed(depths):
        above = "".join("│  " if level in follows else "   " for level in range(1, depth))
        stem, beside = ("├─ ", "│  ") if depth in follows else ("└─ ", "   ")
        below = "│  " if next_depth > depth else "   "
        drawn.append((above + stem, above + beside + below) if depth else ("", below))
        follows = {level for level in follows if level <= depth} | {depth}
        next_depth = depth
    return drawn[::-1]


def _title(span: dict[str, Any]) -> str:
    call = span["call"]
    if call is None:
        return f"span {span['span_id']}  {money_text(span['subtree_cost_usd'])} below"
    cost = money_text(call["cost_usd"])
    return f"{_name(call)}  {cost if counts(call) else f'({cost} not counted)'}  {verdict(call)}"


def _details(call: dict[str, Any] | None) -> Iterator[str]:
    if call is None:
        return
    if call["usage"]:
        fresh, cached, output = tokens(call)
        yield f"tokens: {fresh} input, {cached} cached, {output} output"
    yield f"span {call['span_id'] or UNKNOWN}, {_recorder(call)}"
    if call["rate"] and counts(call):
        yield f"rate: {call['rate']['rate_id']}, {call['rate']['matched_by']}"


def _name(call: dict[str, Any]) -> str:
    return f"{call['operation']} {call['model'] or UNKNOWN}"


def _recorder(call: dict[str, Any]) -> str:
    scope = " ".join(word for word in (call["scope_name"], call["scope_version"]) if word)
    how = "recorded" if call["signal"] == "span" else call["signal"].replace("_", " ")
    return f"{how} by {scope or 'an unnamed scope'} ({call['dialect']})"


def _total(total: dict[str, Any]) -> str:
    counted = f"Counted: {money_text(total['cost_usd'])} for {_number(total['calls'], 'call')}"
    without = [
        text
        for text in (
            f"{total['unpriced_calls']:,} without a price" if total["unpriced_calls"] else "",
            f"{total['errors']:,} failed" if total["errors"] else "",
        )
        if text
    ]
    counted += f" ({', '.join(without)})" if without else ""
    duplicates, aggregates = total["duplicate_calls"], total["aggregate_calls"]
    if not duplicates and not aggregates:
        return f"{counted}. Nothing was recorded twice."
    apart = f"{_number(duplicates, 'duplicate')} and {_number(aggregates, 'aggregate')}"
    return f"{counted}. Not counted: {money_text(total['not_counted_cost_usd'])} in {apart}."


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
