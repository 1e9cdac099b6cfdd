"""The documents of `/api/v1/alerts` as types, for the OpenAPI description."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Judged(BaseModel):
    """What a rule says of a group: one sentence, the reasons, the figures behind it. `observed` and `limit` are decimal
    text in `unit` (USD, count, share from 0 to 1, s, ratio); `link` is a path of the dashboard."""

    text: str
    reasons: list[str]
    facts: dict[str, str]
    unit: str
    observed: str | None
    limit: str | None
    samples: int
    share_priced: float | None
    link: str


class AlertDocument(Judged):
    """An alert that is pending, firing or resolved. `note` says why nobody was told."""

    rule: str
    severity: str
    group: dict[str, str | None]
    state: str
    since: str
    fired_at: str | None
    told_at: str | None
    told: list[str]
    note: str


class RuleDocument(BaseModel):
    """A rule of costspan.yaml and where it stands; `problem` says why it could not be judged."""

    name: str
    kind: str
    text: str
    measure: str
    group_by: list[str]
    severity: str
    labels: dict[str, str]
    notify: list[str]
    missing: str
    min_samples: int
    window_s: float
    every_s: float
    delay_s: float
    for_s: float
    keep_firing_for_s: float
    repeat_s: float | None
    inhibits: list[str]
    state: str
    firing: int


class StandingRule(RuleDocument):
    """A rule, when it was judged last, and why it could not be."""

    judged_at: str | None
    problem: str | None


class SilenceDocument(BaseModel):
    """A silence; `active` where it holds now."""

    id: str
    matchers: list[str]
    starts_at: str
    ends_at: str
    active: bool
    comment: str
    author: str


class AlertsDocument(BaseModel):
    """The answer of `/api/v1/alerts`."""

    now: str
    rules: list[StandingRule]
    alerts: list[AlertDocument]
    silences: list[SilenceDocument]
    notifiers: list[str]
    dead_letters: int


class CheckDocument(BaseModel):
    """Every rule judged now, from the ledger alone."""

    now: str
    rules: list[RuleDocument]
    alerts: list[AlertDocument]
    firing: int


class EventDocument(Judged):
    """Something an alert did: it became firing, or resolved."""

    at: str
    rule: str
    group: dict[str, str | None]
    state: str
    note: str


class HistoryDocument(BaseModel):
    """The latest events, the latest first."""

    events: list[EventDocument]


class NotificationDocument(BaseModel):
    """A notification and how far it has come: queued, sending, sent or dead."""

    id: str
    notifier: str
    rule: str
    kind: str
    title: str
    state: str
    attempts: int
    error: str | None
    created_at: str
    due_at: str


class NotificationsDocument(BaseModel):
    """The latest notifications, the latest first."""

    notifications: list[NotificationDocument]


class EpisodeDocument(Judged):
    """An alert that would have fired; `until` is null where it still would."""

    since: str
    until: str | None
    group: dict[str, str | None]


class BacktestDocument(BaseModel):
    """What a rule would have done, looked at every `step_s` seconds (the rule itself looks every `every_s`)."""

    rule: str
    text: str
    since: str
    until: str
    step_s: float
    every_s: float
    fired: int
    episodes: list[EpisodeDocument]


class TestRequest(BaseModel):
    """The notifier to send a test notification to."""

    model_config = ConfigDict(extra="forbid")
    notifier: str


class TestDocument(BaseModel):
    """The test notification was taken; receivers know it by its id."""

    notifier: str
    id: str


class SilenceRequest(BaseModel):
    """Which alerts nobody is to be told of, from now on and for how long: `for` is a length such as 2h."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    matchers: Annotated[list[str], Field(max_length=50)]
    length: Annotated[str, Field(alias="for")] = "2h"
    comment: str = ""


class Queued(BaseModel):
    """A notification that was given up is queued again."""

    id: str
