"""Every exception costspan raises on purpose.

CostspanError
├── UsageError              the caller asked for something that cannot be (CLI exit code 2, HTTP 400)
│   ├── NotFound            what was asked for by name is not there (HTTP 404)
│   └── ConfigError         a setting or file is wrong; the text names file, line and key
├── PermanentError          the same input will fail again: refuse it, count it, go on
│   └── MalformedRecord     one telemetry item that cannot be read
├── RetryableError          the same input may succeed later: the sender keeps it (HTTP 503)
│   └── StoreUnavailable    the ledger cannot take or give data now
├── BudgetExceeded          a call was refused because the application asked for it with `costspan.budget`
└── Unreachable             neither a server nor a data folder answers (CLI exit code 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costspan.core.budget_decision import Decision


class CostspanError(Exception):
    """Base of all errors costspan raises on purpose."""


class UsageError(CostspanError):
    """The question itself is wrong; the text says what is accepted."""


class NotFound(UsageError):
    """What was asked for by its name is not there."""


class ConfigError(UsageError):
    """A setting, price file or overlay is wrong; the text names the place."""


class PermanentError(CostspanError):
    """The same input fails every time, so trying again is pointless."""


class MalformedRecord(PermanentError):
    """One telemetry item cannot be read; its neighbours are unaffected."""


class RetryableError(CostspanError):
    """The same input may succeed later.

    `retry_after_s` is the pause, in seconds, the sender should make.
    """

    def __init__(self, message: str, *, retry_after_s: int = 5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreUnavailable(RetryableError):
    """The ledger cannot be written or read now."""


class BudgetExceeded(CostspanError):
    """A budget does not allow the call, so it was not made. `decision` has the figures.

    The one exception the SDK raises into an application, and only where `costspan.budget` asks for it.
    """

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"budget {decision.budget!r} is {decision.state}: {decision.reason}")
        self.decision = decision


class Unreachable(CostspanError):
    """No running server answers and no data folder can be opened."""
