"""Two tenants that send the very same telemetry, span by span: each has the truth of the case, as if it were alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from corpus import Case, cases, differences
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import post
from costspan.server.pipeline.signals import Received
from costspan.server.pipeline.tenant import of_tenant
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.tenancy import TenantReader

CARD = load_rate_card()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_tenants_share_nothing(case: Case, tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path)
    for batch in case.batches:
        for tenant in ("a", "b"):
            post(store, of_tenant(Received(0, batch, Counter()), tenant).batch, CARD)
    found = {tenant: differences(TenantReader(store, tenant), case) for tenant in ("a", "b")}
    store.close()
    assert found == {"a": [], "b": []}
