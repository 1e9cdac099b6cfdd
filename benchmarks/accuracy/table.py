"""The result as people read it: on a terminal, as a document, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.accuracy.contest import Result
from benchmarks.accuracy.reading import Outcome
from benchmarks.accuracy.recorded import Recorded
from benchmarks.machine import machine
from benchmarks.table import markdown as as_markdown

_SUMMARY = (Outcome.EXACT, Outcome.OVER, Outcome.UNDER, Outcome.SILENT, Outcome.NOT_APPLICABLE)
_CORPUS = "[the corpus](../tests/corpus/README.md) says how"
_PEERS = (
    "A peer takes part when its command is on `PATH` (in an environment of its own: `pip install arize-phoenix`,"
    " `pip install mlflow`) or its address is in `PHOENIX_URL` or `MLFLOW_URL`."
)
_MEANING = """\
Each tool ran on an empty data folder with the price list it ships with. The same requests went over HTTP, the answers
came from its public API, which had 30 seconds to settle. One yardstick for all: the money of a case against what the
provider billed. Whether a difference comes from counting or from the price list is not told apart.

* **exact**: within 10⁻⁹ USD or eight digits. **× 2**: the tool shows twice the truth; below 1 it bills too little.
* **no cost shown**: the tool leaves the case blank. **unknown as 0**: a trace (costspan: a model) that was not free
  stands at 0, because the tool knows no price or no usage.
* **n/a**: the tool does not receive this signal or does not do this kind of arithmetic. Not held against it.
* Phoenix is asked for the sum over the traces of a case, MLflow for that and for the sum over spans; the nearer counts.

The corpus is ours and was made to be hard; costspan was developed against it. What it shows is where tools differ, not
how often the cases occur.
"""


def rows(cases: Sequence[Recorded], results: Sequence[Result]) -> list[list[str]]:
    """Return the table, its head first."""
    head = ["case", "difficulty", *(result.tool for result in results)]
    return [head, *([case.name, case.truth["difficulty"], *_cells(case, results)] for case in cases)]


def summary_rows(results: Sequence[Result]) -> list[list[str]]:
    """Return one line for each tool, the head first."""
    head = ["tool", "version", *(outcome.value for outcome in _SUMMARY), "unknown shown as 0"]
    lines = [
        [result.tool, result.version, *(str(result.outcomes[one]) for one in _SUMMARY), str(result.unknown_as_zero)]
        for result in results
    ]
    return [head, *lines]


def markdown(cases: Sequence[Recorded], results: Sequence[Result]) -> str:
    """Return the document."""
    told = [
        "# Accuracy, measured",
        f"{len(cases)} cases of telemetry whose bill is known, most captured from real instrumentations; {_CORPUS}.",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}. Repeat it: `make bench-accuracy ARGS='--markdown FILE'`. {_PEERS}",
        _MEANING.rstrip(),
        as_markdown(summary_rows(results)),
        *(_closer_look(result, len(cases)) for result in results if result.tool == "costspan"),
        as_markdown(rows(cases, results)),
    ]
    return "\n\n".join(told) + "\n"


def document(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything, for machines. Money as decimal text."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "tools": {
            result.tool: {
                "version": result.version,
                "summary": {outcome.value: result.outcomes[outcome] for outcome in _SUMMARY},
                "unknown_as_zero": result.unknown_as_zero,
                "cases": {
                    name: {
                        "outcome": verdict.outcome,
                        "cost_usd": None if verdict.cost_usd is None else str(verdict.cost_usd),
                        "factor": None if verdict.factor is None else f"{verdict.factor:.6f}",
                        "unknown_as_zero": verdict.unknown_as_zero,
                        "note": verdict.note,
                    }
                    for name, verdict in result.verdicts.items()
                },
                "differences": result.differences,
            }
            for result in results
        },
    }


def _cells(case: Recorded, results: Sequence[Result]) -> list[str]:
    return [result.verdicts[case.name].cell for result in results]


def _closer_look(result: Result, cases: int) -> str:
    return (
        "A closer look at costspan alone: billed and unpriced calls, tokens by model and cost by feature, user, team"
        f" and session are right in {cases - len(result.differences)} of {cases}."
    )
