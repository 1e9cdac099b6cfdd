"""`python -m benchmarks.sdk --prepare`: what each peer adds to a call of the OpenAI client, side by side in one run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.sdk.environments import environment_of, prepare
from benchmarks.sdk.measure import Effort, fault, measure
from benchmarks.sdk.peers import PEERS
from benchmarks.sdk.table import document, markdown, rows, summary
from benchmarks.table import plain


def main() -> int:
    """Measure the peers that are prepared and tell the result; what cannot be installed is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sdk", description=__doc__)
    parser.add_argument("--prepare", action="store_true", help="make the peers' environments where they are absent")
    parser.add_argument("--peer", action="append", metavar="NAME", help="only this peer; may be repeated")
    parser.add_argument("--starts", type=int, default=Effort().starts, help="of every process (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=Effort().turns, help="of a batch each (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the document there")
    arguments = parser.parse_args()
    wanted = [peer for peer in PEERS if not arguments.peer or peer.name in arguments.peer]
    faults = prepare(wanted) if arguments.prepare else {}
    environments = {}
    for peer in wanted:
        found = environment_of(peer)
        why_not = fault(peer, found) if found else faults.get(peer.environment, "not prepared (--prepare)")
        if why_not:
            print(f"{peer.name} takes no part: {why_not}", file=sys.stderr)
        elif found:
            environments[peer] = found
    if not environments:
        return 1
    bare_us, measured = measure(environments, Effort(arguments.starts, arguments.turns))
    print(plain(rows(measured, environments)))
    print("", *summary(bare_us, measured), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(document(bare_us, measured, environments), indent=1) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(markdown(bare_us, measured, environments))
    return 0


sys.exit(main())
