"""`sampling:` of a costspan.yaml: the ratio of a service whose emitter says none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from costspan.core.attribution import Attribution
from costspan.core.call import Role, Signal
from costspan.core.errors import ConfigError
from costspan.semconv.sampling import AdjustedCount, adjusted_count
from costspan.semconv.sampling_ratios import parse_sampling_ratios
from costspan.semconv.settlement.rules import SettlingRules
from costspan.semconv.settlement.settle import Settled
from costspan.testing.spans import sample_call

RULES = SettlingRules(sampling=parse_sampling_ratios([{"service": "crawler", "ratio": "0.1"}]))
CALL = sample_call(attribution=Attribution(service="crawler"))


def test_a_tenth_stands_for_exactly_ten():
    settled = RULES.complete(Settled(CALL, Role.OWNER))

    assert settled.adjusted is not None
    assert settled.adjusted.times(123_456_789_012_345_678) == 1_234_567_890_123_456_780


def test_what_the_emitter_says_of_its_sampling_stands():
    said = adjusted_count("ot=th:8")

    assert RULES.complete(Settled(CALL, Role.OWNER, adjusted=said)).adjusted == AdjustedCount(2**55)


def test_other_services_and_logs_and_metrics_stay_unknown():
    other = replace(CALL, attribution=Attribution(service="web"))
    metric = replace(CALL, signal=Signal.METRIC)

    assert RULES.complete(Settled(other, Role.OWNER)).adjusted is None
    assert RULES.complete(Settled(metric, Role.OWNER)).adjusted is None


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({}, "costspan.yaml: sampling: a list"),
        ([{"service": "x", "rate": 1}], "costspan.yaml: sampling entry 1: unknown key 'rate'"),
        ([{"ratio": "0.5"}], "costspan.yaml: sampling entry 1: service"),
        ([{"service": "x"}], "costspan.yaml: sampling entry 1: ratio"),
        ([{"service": "x", "ratio": 0}], "costspan.yaml: sampling entry 1: ratio"),
        ([{"service": "x", "ratio": "1.01"}], "costspan.yaml: sampling entry 1: ratio"),
        ([{"service": "x", "ratio": "nan"}], "costspan.yaml: sampling entry 1: ratio"),
        ([{"service": "x", "ratio": 1}, {"service": "x", "ratio": 1}], "costspan.yaml: sampling entry 2: service"),
    ],
)
def test_a_wrong_ratio_is_named_by_file_entry_and_key(entries: object, said: str):
    with pytest.raises(ConfigError) as wrong:
        parse_sampling_ratios(entries)

    assert said in str(wrong.value)
