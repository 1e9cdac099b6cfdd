"""What a key may send in a minute, second by second."""

from __future__ import annotations

import pytest

from costspan.server.receiver.keys import Key, Quota, Role
from costspan.server.receiver.quota import QuotaExceeded, Quotas


class Clock:
    """Stands where it is put."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def key(name: str = "ci", **quota: int) -> Key:
    return Key(name=name, sha256="", roles=frozenset({Role.INGEST}), quota=Quota(**quota))


def test_a_key_without_a_quota_is_never_refused() -> None:
    quotas = Quotas(Clock())
    for _ in range(3):
        quotas.admit(key())
        quotas.book(key(), spans=10**9, size_bytes=10**12)
    assert quotas.read()["ci"].requests == 3


@pytest.mark.parametrize("brought", [{"spans": 60}, {"size_bytes": 6000}])
def test_an_overdrawn_key_waits_until_it_is_paid_and_no_longer(brought: dict[str, int]) -> None:
    clock = Clock()
    quotas, bounded = Quotas(clock), key(spans_per_minute=20, bytes_per_minute=2000)
    quotas.admit(bounded)
    quotas.book(bounded, **brought)
    clock.now_s += 119
    with pytest.raises(QuotaExceeded) as refused:
        quotas.admit(bounded)
    assert 1 <= refused.value.retry_after_s <= 5
    clock.now_s += refused.value.retry_after_s
    quotas.admit(bounded)


def test_what_is_not_used_is_kept_for_a_minute_at_most() -> None:
    clock = Clock()
    quotas, bounded = Quotas(clock), key(spans_per_minute=60)
    quotas.admit(bounded)
    clock.now_s += 86_400
    quotas.admit(bounded)
    quotas.book(bounded, spans=61)
    with pytest.raises(QuotaExceeded):
        quotas.admit(bounded)


def test_keys_do_not_share_a_quota() -> None:
    quotas = Quotas(Clock())
    one, other = key("one", spans_per_minute=1), key("other", spans_per_minute=1)
    quotas.admit(one)
    quotas.book(one, spans=5)
    quotas.admit(other)
    with pytest.raises(QuotaExceeded):
        quotas.admit(one)
