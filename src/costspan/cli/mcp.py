"""`costspan mcp`: a read-only Model Context Protocol server over standard input and output."""

from __future__ import annotations

import argparse
import os

from costspan.cli.ask import add_source_options, reach


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mcp`."""
    parser.add_argument("--config", metavar="FILE", help="costspan.yaml with prices of your own, for the price tool")
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer until standard input ends. Each question finds its server or folder anew."""
    from mcp.server import MCPServer

    from costspan import __version__
    from costspan.cli.mcp_tools import INSTRUCTIONS, TOOLS, Questions, tool

    server = MCPServer("costspan", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")
    questions = Questions(lambda: reach(arguments), arguments.config or os.environ.get("COSTSPAN_CONFIG"))
    for name in TOOLS:
        tool(server, getattr(questions, name))
    server.run("stdio")
    return 0
