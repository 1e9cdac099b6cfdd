"""Nothing of ours raises into its host, whatever kind of thing it is that fails."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from costspan.sdk.safety import never_raise


def fail(word: str) -> str:
    raise ValueError(word)


def test_a_function_that_fails_becomes_the_given_answer_and_is_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "costspan"):
        assert never_raise("otherwise")(fail)("a function") == "otherwise"
    assert "fail failed and was passed over" in caplog.text


def test_a_partial_which_has_no_name_is_passed_over_too() -> None:
    assert never_raise("otherwise")(partial(fail, "a partial"))() == "otherwise"
