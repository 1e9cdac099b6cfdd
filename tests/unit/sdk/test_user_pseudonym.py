"""User ids leave as keyed hashes that stay the same for one installation."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from costspan.sdk.user_pseudonym import installation_key, pseudonymous


def test_one_key_gives_one_pseudonym_and_another_key_another() -> None:
    ours, theirs = pseudonymous(lambda: b"ours"), pseudonymous(lambda: b"theirs")
    assert ours("u-1") == ours("u-1")
    assert len({ours("u-1"), ours("u-2"), theirs("u-1")}) == 3


def test_the_installation_key_is_made_once_and_is_the_owner_s_alone(tmp_path: Path) -> None:
    first = installation_key(tmp_path / "costspan")
    assert len(first) == 32
    assert installation_key(tmp_path / "costspan") == first
    (file,) = (tmp_path / "costspan").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_place_for_the_key_users_are_hashed_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert len(installation_key(tmp_path / "file" / "costspan")) == 32
    assert "COSTSPAN_HASH_KEY" in caplog.text
