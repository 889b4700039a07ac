"""The one base class of everything that a caller did wrong or has to wait for."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One field that can't be taken, and what to do about it."""

    pointer: str
    """JSON pointer into the body, e.g. ``/lines/0/quantity``; empty for the whole body."""
    message: str


class DomainError(Exception):
    """A refusal with a stable ``code``, an HTTP ``status`` and words that say what to do.

    Subclasses stand beside the code that raises them and set ``code`` and ``status``.
    """

    code: str = "domain_error"
    status: int = 400
    passes: bool = False
    """Whether it may be over by itself in a while: a process that can't start for it may be started again then."""

    def __init__(
        self,
        message: str,
        *,
        problems: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.problems = problems
        self.headers = dict(headers or {})
        self.details = dict(details or {})
        """What a program can go on with: ids, codes and figures, as JSON knows them."""
