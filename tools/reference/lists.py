"""What can be measured, what has prices, and what each extension folder holds."""

from __future__ import annotations

from tools.reference.tables import code, table

from costspan.cli.importers import IMPORTERS
from costspan.core.units import FEE_UNITS, PRICED_AS, Unit
from costspan.pricing.load import built_in, patched, profiles
from costspan.sdk.clients import CLIENTS
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.providers import HOSTS
from costspan.server.alerts.conditions import CONDITIONS
from costspan.server.alerts.measures import FACTS, MEASURES, PER_MINUTE
from costspan.server.alerts.notifiers import NOTIFIERS
from costspan.server.reconciliation.sources import API_SOURCES, FILE_SOURCES
from costspan.server.store import question


def measures_page() -> str:
    """Return the page of measures, group keys and units."""
    watched = (
        (f"`{name}`", each.unit.value, each.says, f"`{name}{PER_MINUTE}`" if each.adds_up else "")
        for name, each in MEASURES.items()
    )
    facts = ((f"`{name}`", each.unit.value, each.says, "") for name, each in FACTS.items())
    return (
        "# Measures, keys, units\n\n"
        "## What a rule can watch\n\n"
        + table(("measure", "in", "is", "by the minute"), [*watched, *facts])
        + "\n## What a question answers\n\n`GET /api/v1/spend` and `costspan report --json` have, for each group:\n\n"
        + code(question.MEASURES)
        + ".\n\nMoney there is decimal text, `..._usd`; unknown is null and never 0.\n\n"
        "## Group keys and filters\n\n"
        + code(question.COLUMNS)
        + f", and `{question.TAG}NAME` for a tag. Also written: "
        + ", ".join(f"`{also}` for `{key}`" for also, key in question.SYNONYMS.items())
        + ".\n\n## Units of usage\n\nDisjoint: a token stands in exactly one.\n\n"
        + table(
            ("unit", "is", "where a price list has no rate of its own, priced as"),
            (
                (
                    f"`{each.value}`",
                    "a fee" if each in FEE_UNITS else "tokens",
                    code([PRICED_AS[each].value]) if each in PRICED_AS else "",
                )
                for each in Unit
            ),
        )
    )


def prices_page() -> str:
    """Return the page of providers."""
    hosts: dict[str, list[str]] = {}
    for host, provider in HOSTS:
        hosts.setdefault(provider, []).append(host)
    rows = []
    for name, profile in sorted(profiles().items()):
        lists = [each for each in (built_in(name), patched(name)) if each is not None]
        models = {entry.model for each in lists for entry in each.entries}
        rows.append((f"`{name}`", profile.name, len(models), code(profile.fallbacks)))
    return (
        "# Providers with prices\n\n"
        "`costspan prices list --provider NAME` has each rate, since when it holds, its "
        "source and the day it was checked. "
        "Prices of your own stand in [`prices:`](settings.md#prices).\n\n"
        + table(("provider", "is", "models", "also sells the lists of"), rows)
        + "\n## By their hosts\n\nA client library pointed at another vendor is billed by whom it talks to.\n\n"
        + table(
            ("telemetry's provider", "hosts"), ((f"`{name}`", code(found)) for name, found in sorted(hosts.items()))
        )
    )


def extensions_page() -> str:
    """Return the page of what each extension folder holds."""
    return (
        "# Extensions\n\nEach is one file and one line in a list; [how to add one](../recipes.md).\n\n"
        "## Dialects of spans\n\nIn the order in which they are asked; [what each is known by](../dialects.md).\n\n"
        + table(
            ("dialect", "instrumentation scopes", "source"),
            ((f"`{each.name}`", code(each.scopes), each.source) for each in DIALECTS),
        )
        + "\n## Model clients of the SDK\n\n"
        + table(("client", "extra"), ((each.name, f"`costspan[{each.extra}]`") for each in CLIENTS))
        + "\n## Importers\n\n"
        + table(
            ("`--format`", "source", "usual places"),
            ((f"`{each.name}`", each.source, code(each.homes)) for each in IMPORTERS),
        )
        + "\n## Bills\n\n"
        + table(("provider", "key"), ((f"`{name}`", f"`{each.key_env}`") for name, each in API_SOURCES.items()))
        + "\nFiles: "
        + code(FILE_SOURCES)
        + ".\n\n## Notifiers\n\n"
        + table(("kind", "keys"), ((f"`{each.key}`", code(each.keys)) for each in NOTIFIERS))
        + "\n## Conditions of alerts\n\n"
        + code(kind.__name__ for kind in CONDITIONS)
        + ".\n"
    )
