"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import pytest
from golden import Golden


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden files, compared with or, under `--renew-golden`, written."""
    return Golden(renew=bool(request.config.getoption("--renew-golden")))
