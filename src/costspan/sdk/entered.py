"""What one object has entered, when the object is shared: several threads, tasks and nested blocks may hold it open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from opentelemetry.context import Context, attach, create_key, detach, get_value, set_value

T = TypeVar("T")
_KEY: Final = create_key("costspan.entered")


@dataclass(eq=False, slots=True)
class _Block(Generic[T]):
    owner: Entered[T]
    value: T
    token: object = None


@dataclass(eq=False, slots=True)
class Entered(Generic[T]):
    """The blocks that are open, each in its own context."""

    _open: list[_Block[T]] = field(default_factory=list)

    def enter(self, value: T, context: Context) -> None:
        """Make `context` current until `leave`, which returns `value`."""
        block = _Block(self, value)
        self._open.append(block)
        block.token = attach(set_value(_KEY, block, context))

    def leave(self) -> T | None:
        """Return to the context before, and return the value of the block that was left."""
        block = get_value(_KEY)
        if not isinstance(block, _Block) or block.owner is not self:
            # Left in another context than it was entered in, as servers do that start up in a task of their own.
            block = self._open[-1] if self._open else None
        if block is None:
            return None
        self._open.remove(block)
        detach(block.token)  # type: ignore[arg-type]
        value: T = block.value
        return value
