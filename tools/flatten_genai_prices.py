"""Write `src/costspan/pricing/catalogue/*.toml` from the installed genai-prices package.

A maintainer's command, run when the price data is renewed; the diff of the text files is what gets reviewed:

    python tools/flatten_genai_prices.py --released 2026-11-10 [--into DIR]
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src"
sys.path.insert(0, str(SOURCES))

from genai_prices.data import providers  # noqa: E402

from costspan.pricing.flatten_genai_prices import write_catalogue  # noqa: E402


def main() -> None:
    """Rewrite the catalogue folder."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--released", type=date.fromisoformat, required=True, help="release date of genai-prices")
    options.add_argument("--into", type=Path, default=SOURCES / "costspan" / "pricing" / "catalogue")
    chosen = options.parse_args()
    source = f"genai-prices {version('genai-prices')}"
    write_catalogue(providers, chosen.into, source=source, released=chosen.released)


if __name__ == "__main__":
    main()
