"""The entry point: finds the command, runs it, turns errors into exit codes and one clear line.

Exit codes: 0 fine; 1 the answer is "no"; 2 wrong usage; 3 cannot reach or open.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Final

from costspan import __version__
from costspan.core.errors import CostspanError, Unreachable, UsageError

COMMANDS: Final = {
    "serve": "receive OTLP, keep the ledger, show the dashboard",
    "demo": "30 days of plausible traffic through the real receiver, then live traffic",
    "run": "run an application with its LLM clients instrumented and priced",
    "report": "a table of spend",
    "calls": "the calls behind a figure, latest or dearest first",
    "trace": "one trace as a tree: cost of each span, what is not counted and why",
    "anomalies": "who spends more than usual, since when, and why",
    "budgets": "where the budgets of costspan.yaml stand",
    "forecast": "what this month, week or day will come to, as a range, and why",
    "whatif": "what history would have cost under another model, in another mode, or with caching",
    "alerts": "rules, what fires, what would have fired, silences, test notifications; rules to begin with: starter",
    "import": "read telemetry files into the ledger",
    "export": "the ledger as files, as FOCUS, or kept up to date in a data warehouse",
    "price": "price one usage and say why",
    "prices": "the price catalogue: list, check, diff, sync, activate, export; models without a price: unpriced, map",
    "reprice": "what changed prices change in the ledger: look, apply, undo",
    "reconcile": "the ledger beside a provider's bill: how far apart, and from which causes",
    "replay": "read received telemetry again after a dialect was corrected or a mapping added",
    "verify": "does the ledger add up? charges, reversals, roll-ups",
    "backup": "a consistent copy of the ledger, also while it is served",
    "restore": "put a backup where the ledger belongs",
    "migrate": "the ledger from its file into ClickHouse, when one machine is outgrown",
    "repair": "make a damaged ledger readable again and say what is lost",
    "config": "is a costspan.yaml right? and its JSON Schema, for editors",
    "keys": "make, list and revoke the server's API keys",
    "mcp": "a read-only Model Context Protocol server on standard input and output",
    "doctor": "what is installed, reachable and missing, and what to do",
}
"""Command -> its help line. Each is `costspan.cli.<command>` with `configure(parser)` and `run(arguments) -> int`."""

_MODULES: Final = {"import": "import_"}
_EXTRAS: Final = {"mcp": "mcp", "mcp_types": "mcp"}
"""Package that is missing -> the extra that brings it; any other is the server's."""


def main(argv: list[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's own) and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    parser, commands = _parser()
    name = next((word for word in words if word in COMMANDS), None)
    try:
        if name:
            module = import_module(module_of(name))
            module.configure(commands[name])
        arguments = parser.parse_args(words)
        if not name:
            parser.print_help()
            return 2
        return int(module.run(arguments))
    except ModuleNotFoundError as missing:
        package = (missing.name or "costspan").partition(".")[0]
        if package == "costspan":
            raise
        extra = _EXTRAS.get(package, "server")
        print(f"costspan {name} needs {missing.name}: pip install 'costspan[{extra}]'", file=sys.stderr)
        return 3
    except UsageError as error:
        print(f"costspan: {error}", file=sys.stderr)
        return 2
    except (Unreachable, CostspanError) as error:
        print(f"costspan: {error}", file=sys.stderr)
        return 3
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def module_of(command: str) -> str:
    """Return the name of a command's module."""
    return f"costspan.cli.{_MODULES.get(command, command)}"


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(prog="costspan", description="The LLM cost ledger on OpenTelemetry.")
    parser.add_argument("--version", action="version", version=f"costspan {__version__}")
    chosen = parser.add_subparsers(dest="command", metavar="COMMAND")
    return parser, {name: chosen.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}


if __name__ == "__main__":
    sys.exit(main())
