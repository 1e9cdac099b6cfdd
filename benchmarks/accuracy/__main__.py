"""`python -m benchmarks.accuracy`: the table; exit status 1 when costspan is not exact everywhere."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.accuracy.contest import contest
from benchmarks.accuracy.reading import Outcome
from benchmarks.accuracy.recorded import recorded_cases
from benchmarks.accuracy.table import document, markdown, rows, summary_rows
from benchmarks.table import plain


def main() -> int:
    """Run the contest and tell its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--case", action="append", help="only this case; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the document there")
    arguments = parser.parse_args()
    cases = [case for case in recorded_cases() if not arguments.case or case.name in arguments.case]
    results = contest(cases)
    print(plain(rows(cases, results)), plain(summary_rows(results)), sep="\n\n")
    for name, found in results[0].differences.items():
        print(f"costspan {name}: {'; '.join(found)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(document(results), indent=1) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(markdown(cases, results))
    return 0 if results[0].outcomes[Outcome.EXACT] == len(cases) and not results[0].differences else 1


sys.exit(main())
