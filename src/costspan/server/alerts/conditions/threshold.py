"""Met when a measure of the calls in a window is over or under a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.server.alerts.amounts import MeasureUnit, length_text, value_text
from costspan.server.alerts.conditions.base import Group, Sources, Truth, Verdict, calls_link, group_text
from costspan.server.alerts.measures import Measure, Watched, watched
from costspan.server.alerts.rule import Missing, Rule, Threshold
from costspan.server.store.question import Filter, Spend, SpendQuestion


def judge_threshold(rule: Rule, sources: Sources, as_of: datetime) -> Sequence[Verdict]:
    """Return a verdict for each group with calls in the window, or for all calls where the rule has no groups."""
    what = watched(rule.measure)
    if not isinstance(what.what, Measure):
        return _of_drift(rule, what, sources) if what.name == "drift" else (_of_fact(rule, what, sources, as_of),)
    period = Period(as_of - rule.window, as_of)
    everything = _spends(rule, period, sources)
    among = [_spends(rule, period, sources, extra) if extra else everything for extra in what.what.among]
    nothing = Spend()
    return tuple(
        _verdict(
            _Looked(rule, what, what.what, period, group),
            everything.get(group, nothing),
            [each.get(group, nothing) for each in among],
        )
        for group in (everything if rule.group_by else [()])
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    """What is judged: a rule's measure of one group in one window."""

    rule: Rule
    what: Watched
    measure: Measure
    period: Period
    group: Group


def _spends(rule: Rule, period: Period, sources: Sources, extra: tuple[Filter, ...] = ()) -> dict[Group, Spend]:
    question = SpendQuestion(period, rule.group_by, filters=(*rule.filters, *extra))
    answer = sources.ledger.spend(question)
    if not rule.group_by:
        return {(): answer.total}
    return {tuple(zip(rule.group_by, row.key, strict=True)): row.spend for row in answer.rows}


def _verdict(looked: _Looked, everything: Spend, among: Sequence[Spend]) -> Verdict:
    rule, what, measure, group = looked.rule, looked.what, looked.measure, looked.group
    observed = measure.value(everything, among)
    if observed is not None and what.is_rate:
        observed = observed * 60 / Decimal(str(rule.window.total_seconds()))
    calls, window = everything.calls, length_text(rule.window)
    about = f"{what.says}{group_text(group)} in {window}"
    lacking = None
    if not calls and (not measure.adds_up or rule.missing is not Missing.OK):
        lacking = f"no calls{group_text(group)} in {window}"
    elif calls < rule.min_samples:
        lacking = f"{about} is not judged: {calls} calls, {rule.min_samples} are needed"
    elif observed is None:
        lacking = f"{about} is unknown for all {calls} calls"
    truth, limit, text = (
        (Truth.NO_DATA, _limit(rule), lacking)
        if observed is None or lacking
        else _compared(rule, what, about, observed)
    )
    succeeded = everything.billed_calls + everything.unpriced_calls
    return Verdict(
        group=group,
        truth=truth,
        unit=what.unit,
        observed=observed,
        limit=limit,
        samples=calls,
        share_priced=everything.billed_calls / succeeded if succeeded else None,
        text=text or "",
        reasons=_reasons(everything) if what.unit is MeasureUnit.USD else (),
        link=calls_link(looked.period, rule.filters, group),
    )


def _reasons(spend: Spend) -> tuple[str, ...]:
    lacking = spend.unpriced_calls + spend.partial_calls
    if not lacking:
        return ()
    return (f"{lacking} of {spend.calls} calls have no full price: what was spent is at least this",)


def _condition(rule: Rule) -> Threshold:
    if not isinstance(rule.condition, Threshold):
        raise UsageError(f"{rule.name} has no limit")
    return rule.condition


def _limit(rule: Rule) -> Decimal | None:
    condition = _condition(rule)
    return condition.below if condition.above is None else condition.above


def _compared(rule: Rule, what: Watched, about: str, observed: Decimal) -> tuple[Truth, Decimal | None, str]:
    condition = _condition(rule)
    value = value_text(what.unit, observed)
    for limit, over, word in (
        (condition.above, condition.above is not None and observed > condition.above, "over"),
        (condition.below, condition.below is not None and observed < condition.below, "under"),
    ):
        if over:
            return Truth.MET, limit, f"{about}: {value}, {word} {value_text(what.unit, limit)}"
    return Truth.NOT_MET, _limit(rule), f"{about}: {value}"


def _of_fact(rule: Rule, what: Watched, sources: Sources, as_of: datetime) -> Verdict:
    length = _catalogue_age(sources, as_of) if what.name == "catalogue_age" else _silence(rule, sources, as_of)
    if length is None:
        return Verdict(group=(), truth=Truth.NO_DATA, unit=what.unit, text=f"{what.says} is unknown")
    observed = Decimal(str(length.total_seconds()))
    truth, limit, text = _compared(rule, what, what.says, observed)
    return Verdict(group=(), truth=truth, unit=what.unit, observed=observed, limit=limit, text=text)


def _of_drift(rule: Rule, what: Watched, sources: Sources) -> Sequence[Verdict]:
    """Return a verdict for each provider whose bill was read."""
    verdicts = []
    for drift in sources.drifts():
        group, about = (("provider", drift.provider),), f"{what.says}, of {drift.provider} in {drift.month}"
        if drift.share is None:
            verdicts.append(Verdict(group=group, truth=Truth.NO_DATA, unit=what.unit, text=f"{about}: nothing billed"))
            continue
        observed = Decimal(str(drift.share))
        truth, limit, text = _compared(rule, what, about, observed)
        verdicts.append(
            Verdict(
                group=group,
                truth=truth,
                unit=what.unit,
                observed=observed,
                limit=limit,
                text=text,
                reasons=(drift.says,) if drift.says else (),
                link="reconciliation",
            )
        )
    return verdicts


def _catalogue_age(sources: Sources, as_of: datetime) -> timedelta | None:
    checked = sources.catalogue_checked()
    return None if checked is None else max(timedelta(0), as_of - checked)


def _silence(rule: Rule, sources: Sources, as_of: datetime) -> timedelta | None:
    """Return for how long no call had begun; of a moment that others followed, whether it was the limit or none."""
    summary = sources.ledger.summary()
    if summary.last_call_at is None or summary.first_call_at is None or summary.first_call_at > as_of:
        return None
    if summary.last_call_at <= as_of:
        return as_of - summary.last_call_at
    limit = timedelta(seconds=float(_limit(rule) or 0))
    since = max(as_of - limit, summary.first_call_at)
    asked = SpendQuestion(Period(since, as_of))
    return timedelta(0) if sources.ledger.spend(asked).total.calls else as_of - since + timedelta(seconds=1)
