"""Write `src/costspan/pricing/catalogue/*.toml` from the installed genai-prices package.

A maintainer's command, run when the price data is renewed; the diff of the text files is what gets reviewed:

    python tools/flatten_genai_prices.py --released 2026-11-10 [--into DIR]

The same package gives byte-identical files. What costspan has no unit for becomes a comment in its place.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from genai_prices.data import providers

from flatten_rates import rate_lines

CATALOGUE: Final = Path(__file__).resolve().parent.parent / "src" / "costspan" / "pricing" / "catalogue"
_CLAUSES: Final = {
    "equals": "equals",
    "starts_with": "prefix",
    "contains": "contains",
    "ends_with": "suffix",
    "regex": "regex",
}
_PLAIN: Final = re.compile(r"[^\x00-\x1f\\\"\x7f]*")


def main() -> None:
    """Rewrite the catalogue folder: one file a provider, and `index.toml` with how providers are recognised."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--released", type=date.fromisoformat, required=True, help="release date of genai-prices")
    options.add_argument("--into", type=Path, default=CATALOGUE)
    chosen = options.parse_args()
    chosen.into.mkdir(parents=True, exist_ok=True)
    for old in chosen.into.glob("*.toml"):
        old.unlink()
    source = f"genai-prices {version('genai-prices')}"
    ordered = sorted(providers, key=lambda provider: provider.id)
    _write(chosen.into / "index.toml", [*_header(source, chosen.released), *_index(ordered)])
    for provider in ordered:
        lines = [*_header(source, chosen.released), *_provider_lines(provider, source, chosen.released)]
        _write(chosen.into / f"{provider.id}.toml", lines)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _header(source: str, released: date) -> list[str]:
    return [
        f"# Flattened from {source} of {released} (MIT, see NOTICE) by tools/flatten_genai_prices.py.",
        "# Do not edit: a correction is a row in ../patches, with its own source, date and reason.",
        "",
    ]


def _index(ordered: list[Any]) -> Iterator[str]:
    yield "# How a provider is recognised: by the name a span gives (known_as), by a model's name (claims); and whose"
    yield "# models it also serves (fallbacks). The models of each are in the file of its name, read when first needed."
    for provider in ordered:
        yield f"\n[{_text(provider.id)}]"
        yield f"name = {_text(provider.name)}"
        if provider.provider_match is not None:
            yield f"known_as = {_inline(_clauses(provider.provider_match))}"
        if provider.model_match is not None:
            yield f"claims = {_inline(_clauses(provider.model_match))}"
        if provider.fallback_model_providers:
            yield f"fallbacks = {_list(provider.fallback_model_providers)}"


def _provider_lines(provider: Any, source: str, released: date) -> Iterator[str]:
    yield f"provider = {_text(provider.id)}"
    yield f"source = {_text(source)}"
    yield f"checked = {released}"
    if provider.pricing_urls:
        yield f"pricing_pages = {_list(provider.pricing_urls)}"
    for model in provider.models:
        yield "\n[[models]]"
        yield f"id = {_text(model.id)}"
        for key, value in _clauses(model.match).items():
            yield f"{key} = {_inline(value)}"
        yield from rate_lines(model)


def _clauses(clause: Any) -> dict[str, Any]:
    """Return a clause tree as lists by kind of test, any of which may hold; each group in `all` must hold together."""
    found: dict[str, Any] = {}
    for part in getattr(clause, "or_", [clause]):
        if hasattr(part, "and_"):
            group = [_leaf(item) for item in part.and_]
            found.setdefault("all", []).append([f"{kind}:{text}" for kind, text in group])
            continue
        kind, text = _leaf(part)
        values = found.setdefault(kind, [])
        if text not in values:
            values.append(text)
    return {key: found[key] for key in ("equals", "prefix", "contains", "suffix", "regex", "all") if key in found}


def _leaf(clause: Any) -> tuple[str, str]:
    (field, text), *rest = vars(clause).items()
    if rest or field not in _CLAUSES:
        raise SystemExit(f"genai-prices has a clause this script does not know: {clause!r}")
    # Every test but a regular expression ignores case upstream.
    return _CLAUSES[field], text if field == "regex" else text.lower()


def _text(value: str) -> str:
    if "\\" in value and "'" not in value:
        return f"'{value}'"
    return f'"{value}"' if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _list(values: Any) -> str:
    return "[" + ", ".join(_inline(value) for value in values) + "]"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    return _list(value) if isinstance(value, list) else _text(value)


if __name__ == "__main__":
    main()
