"""What a billing export looks like, as a value: which of its columns say what. An engine adds the file up by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BillForm:
    """A form of export. Each name of `keys` and `sums` is read from the first of its columns that is there, else None.

    A column is named with dots for fields of records (`project.id`) and `[]` for lists (`credits[].amount`). A file has
    this form when it has all columns `required`. Where `only` names columns, lines are kept that have one of `words` in
    one of them. `day` is the key that is a moment, cut to its UTC day.
    """

    name: str
    required: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]
    sums: Mapping[str, tuple[str, ...]]
    day: str = "day"
    only: tuple[str, ...] = ()
    words: tuple[str, ...] = field(default=())
