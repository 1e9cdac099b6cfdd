"""`costspan alerts`: rules, what fires, what would have fired, silences, and what could not be delivered."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from costspan.cli import alerts_text as text
from costspan.cli.ask import ServerLedger, add_source_options, answering_server, data_folder, reach
from costspan.cli.table import progress_bar
from costspan.core.errors import Unreachable

_PATH: Final = "/api/v1/alerts"
_BACKTEST_S: Final = 600
"""How long a month of a busy ledger may take to be judged again."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    adding: Callable[..., argparse.ArgumentParser] = actions.add_parser
    adding("list", help="every rule of costspan.yaml, and the alerts that are pending or fire")
    check = adding("check", help="judge the rules now; exit code 1 when an alert fires")
    check.add_argument("rule", nargs="?", help="only this rule")
    history = adding("history", help="what fired and ended, the latest first")
    history.add_argument("--rule", help="only this rule")
    history.add_argument("--limit", default="50", help="how many (default: %(default)s)")
    backtest = adding("backtest", help="how often a rule would have fired")
    backtest.add_argument("rule")
    backtest.add_argument("--since", help="start: 2026-11-01, 2026-10 (a month), 7d (default: 30d)")
    backtest.add_argument("--until", help="end (default: now)")
    testing = adding("test", help="send a test notification")
    testing.add_argument("notifier", help="its name in costspan.yaml")
    silence = adding("silence", help="tell nobody of some alerts for a while")
    silence.add_argument("matchers", nargs="+", metavar="KEY:VALUE", help="rule:NAME, severity:NAME, team:search, ...")
    silence.add_argument("--for", dest="length", default="2h", help="how long (default: %(default)s)")
    silence.add_argument("--comment", default="", help="why")
    unsilence = adding("unsilence", help="end a silence")
    unsilence.add_argument("id")
    undelivered = adding("undelivered", help="notifications that were given up; exit code 1 if any")
    undelivered.add_argument("--send-again", metavar="ID", help="queue one of them again")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="one JSON document instead of text")
        add_source_options(action)
    adding("starter", help="print rules to begin with, as costspan.yaml takes them")
    adding("schema", help="print the JSON Schema of the alerts: of a costspan.yaml")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; `check` returns 1 when an alert fires, `undelivered` when a notification was given up."""
    return _ACTIONS[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    _print(arguments, _ask(arguments, ""), text.standing_text)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    document = _ask(arguments, "/check", rule=arguments.rule)
    _print(arguments, document, text.check_text)
    return 1 if document["firing"] else 0


def _history(arguments: argparse.Namespace) -> int:
    _print(arguments, _ask(arguments, "/history", rule=arguments.rule, limit=arguments.limit), text.history_text)
    return 0


def _backtest(arguments: argparse.Namespace) -> int:
    asked = {"rule": arguments.rule, "since": arguments.since, "until": arguments.until}
    with reach(arguments) as ledger:
        patient = ServerLedger(ledger.url, _BACKTEST_S) if isinstance(ledger, ServerLedger) else ledger
        with progress_bar("Looking back", 1):
            document = patient.ask(f"{_PATH}/backtest", _given(asked))
    _print(arguments, document, text.backtest_text)
    return 0


def _undelivered(arguments: argparse.Namespace) -> int:
    if arguments.send_again:
        _print(arguments, _post(arguments, f"/notifications/{arguments.send_again}/send", {}), text.queued_text)
        return 0
    document = _ask(arguments, "/notifications", state="dead")
    _print(arguments, document, text.undelivered_text)
    return 1 if document["notifications"] else 0


def _test(arguments: argparse.Namespace) -> int:
    if url := answering_server(arguments):
        sent = ServerLedger(url).post(f"{_PATH}/test", {"notifier": arguments.notifier})
    else:
        sent = _test_without_server(arguments)
    _print(arguments, sent, text.sent_text)
    return 0


def _test_without_server(arguments: argparse.Namespace) -> dict[str, Any]:
    from costspan.server.assembly import send_test

    return send_test(data_folder(arguments), arguments.notifier)


def _silence(arguments: argparse.Namespace) -> int:
    request = {"matchers": arguments.matchers, "for": arguments.length, "comment": arguments.comment}
    _print(arguments, _post(arguments, "/silences", request), text.silence_text)
    return 0


def _unsilence(arguments: argparse.Namespace) -> int:
    _print(arguments, _post(arguments, f"/silences/{arguments.id}/end", {}), text.silence_text)
    return 0


def _starter(arguments: argparse.Namespace) -> int:
    del arguments
    sys.stdout.write((files("costspan.server.alerts") / "starter.yaml").read_text(encoding="utf-8"))
    return 0


def _schema(arguments: argparse.Namespace) -> int:
    from costspan.server.alerts.rule_file import rules_schema

    del arguments
    print(json.dumps(rules_schema(), indent=2))
    return 0


_ACTIONS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "list": _list,
    "check": _check,
    "history": _history,
    "backtest": _backtest,
    "test": _test,
    "silence": _silence,
    "unsilence": _unsilence,
    "undelivered": _undelivered,
    "starter": _starter,
    "schema": _schema,
}


def _ask(arguments: argparse.Namespace, path: str, **parameters: str | None) -> dict[str, Any]:
    with reach(arguments) as ledger:
        return ledger.ask(f"{_PATH}{path}", _given(parameters))


def _given(parameters: dict[str, str | None]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters.items() if value is not None]


def _post(arguments: argparse.Namespace, path: str, request: dict[str, Any]) -> dict[str, Any]:
    url = answering_server(arguments)
    if url is None:
        raise Unreachable("silences and deliveries are a running server's: start it with costspan serve, or name --url")
    return ServerLedger(url).post(f"{_PATH}{path}", request)


def _print(arguments: argparse.Namespace, document: dict[str, Any], words: Callable[[dict[str, Any]], str]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False) if arguments.json else words(document))
