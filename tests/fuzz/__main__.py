"""`python -m tests.fuzz --bodies 1000000`: broken requests through both doors of a real server, until one misbehaves.

Prints how many got which answer and exits with 1 on the first answer that is not allowed, naming the request's number:
the same `--seed` and `--first` send it again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "src"), str(HERE)]

from attack import Attack  # noqa: E402 - found on the path above

from serving import Server  # noqa: E402 - found on the path above


def main() -> int:
    """Send what is asked for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    parser.add_argument("--senders", type=int, default=8)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        try:
            started_s = time.monotonic()
            attack = Attack(server, asked.seed, senders=asked.senders)
            faults = attack.run(asked.first, asked.bodies)
            seconds = time.monotonic() - started_s
            print(f"{asked.bodies} requests in {seconds:.0f} s: {dict(sorted(attack.answers.items()))}")
            print(f"server: {server.rss_bytes() / 2**20:.0f} MB, {server.ingest()}")
        finally:
            server.stop()
        warned = Counter(line.partition(" WARNING ")[2] for line in server.errors().splitlines() if " WARNING " in line)
        for line, count in warned.most_common(20):
            print(f"{count} x {line}")
        faults += [line for line in server.errors().splitlines() if "Traceback" in line]
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
