"""The boundary of what may break in a process that must not end: the one that serves requests."""

import traceback
from types import TracebackType

import structlog

from fabroute.kernel.errors import DomainError

_SERVER_ERROR = 500

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.routing")


class Breaking:
    """Ends a broken decision: it is logged, and ``why`` says what broke. Refusals of the request go on."""

    def __init__(self) -> None:
        """Nothing broke yet."""
        self.why: str | None = None

    def __enter__(self) -> "Breaking":
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Take in what broke."""
        refused = isinstance(error, DomainError) and error.status < _SERVER_ERROR
        if not isinstance(error, Exception) or refused:
            return False
        _log.error("routing.promise_broke", error=str(error), trace="".join(traceback.format_exception(error)))
        self.why = type(error).__name__
        return True
