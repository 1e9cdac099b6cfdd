"""A value made slot by slot is the value `dataclass` makes."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from costspan.core.frozen import quickly_made


@dataclass(frozen=True, slots=True)
class Plain:
    """A positional field, defaults of both kinds and a named one."""

    first: int
    second: list[int] = field(default_factory=list)
    third: str = field(default="c", kw_only=True)
    unset: int = field(default=4, compare=False)

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError(self.first)


@quickly_made
@dataclass(frozen=True, slots=True)
class Quick:
    """The same."""

    first: int
    second: list[int] = field(default_factory=list)
    third: str = field(default="c", kw_only=True)
    unset: int = field(default=4, compare=False)

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError(self.first)


@pytest.mark.parametrize("kind", [Plain, Quick])
def test_arguments_defaults_and_checks_are_those_of_the_fields(kind: type) -> None:
    made = kind(1, third="x")
    assert (made.first, made.second, made.third, made.unset) == (1, [], "x", 4)
    assert made == kind(1, [], third="x", unset=9)
    assert made.second is not kind(1).second
    assert replace(made, first=2) == kind(2, third="x")
    with pytest.raises(ValueError, match="-1"):
        kind(-1)
    with pytest.raises(TypeError):
        kind(1, [], 4, "x")
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(FrozenInstanceError):
        made.first = 2


def test_it_is_called_as_the_dataclass_is() -> None:
    quick, plain = inspect.signature(Quick), inspect.signature(Plain)
    assert [(one.name, one.kind) for one in quick.parameters.values()] == [
        (one.name, one.kind) for one in plain.parameters.values()
    ]
