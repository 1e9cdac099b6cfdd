"""Puts the attribution in force on every span as it starts, so that samplers and other exporters see it too."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor

from costspan.core.attribution import Attribution
from costspan.sdk import attribute_names as names
from costspan.sdk.attribute import attribution_in
from costspan.sdk.config import NOBODY


class AttributionProcessor(SpanProcessor):
    """`defaults` fill in what nobody said; `name_user` turns a user id into what may leave the process."""

    def __init__(self, defaults: Attribution, name_user: Callable[[str], str]) -> None:
        self._defaults = defaults
        self._name_user = name_user
        self._latest = (NOBODY, self._attributes(NOBODY))

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        who = attribution_in(parent_context)
        latest, attributes = self._latest
        if who is not latest:
            attributes = self._attributes(who)
            self._latest = who, attributes  # most spans start in the scope of the one before, or in none
        if attributes:
            said = span.attributes or {}
            span.set_attributes({key: value for key, value in attributes.items() if key not in said})

    def _attributes(self, said: Attribution) -> dict[str, str]:
        who = said.or_else(self._defaults)
        known = {key: getattr(who, dimension) for dimension, key in names.OF_DIMENSION.items()}
        if who.user_id:
            known[names.USER_ID] = self._name_user(who.user_id)
        tags = {names.TAG_PREFIX + name: value for name, value in who.tags.items()}
        return {key: value for key, value in known.items() if value} | tags
