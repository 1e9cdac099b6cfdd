"""One realistic span of every dialect, by its name. Values are those of captured or documented payloads."""

from __future__ import annotations

from dialect_samples_instrumentations import INSTRUMENTATIONS
from dialect_samples_products import PRODUCTS

SAMPLES = {**INSTRUMENTATIONS, **PRODUCTS}
