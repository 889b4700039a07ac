"""What is asked before a process serves or works: whatever is wrong is told at once, with what to do about it."""

from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from fabroute.database import DatabaseUnreachable
from fabroute.database.starting import ClockOff, DatabaseFull, require_fit_database
from fabroute.integrations.start_checks import StorageUnreachable, require_fit_storage
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings

EXIT_UNREACHABLE = 75
"""A server does not answer, a disk is full, a clock is off (``EX_TEMPFAIL``): start again in a while."""
EXIT_MISCONFIGURED = 78
"""It can't run as configured (``EX_CONFIG``): starting it again won't help."""

_QUEUES_WITH_FILES = ("inventory", "identity")
"""Their tasks read print files, or export the roots of the audit log."""
_PASSING = (DatabaseUnreachable, DatabaseFull, ClockOff, StorageUnreachable)
_REASONS = {
    "password authentication failed": "the password in FABROUTE_DATABASE_URL is not that role's",
    "no password supplied": "this server wants a password, and FABROUTE_DATABASE_URL has none",
    "does not exist": "make that database or role (infra/database/roles.sql), or correct FABROUTE_DATABASE_URL",
    "no pg_hba.conf entry": "let this machine in by a line of the server's pg_hba.conf",
    "could not translate host name": "correct the host in FABROUTE_DATABASE_URL",
    "failed to resolve host": "correct the host in FABROUTE_DATABASE_URL",
    "server does not support SSL": "take sslmode out of FABROUTE_DATABASE_URL, or set up TLS on the server",
}


def require_good_database(engine: Engine, settings: Settings) -> Sequence[str]:
    """Raise what keeps a process from working on this database; return warnings.

    In production a role that is not bound by row-level security is refused.
    """
    try:
        return require_fit_database(engine, strict=settings.profile == "production")
    except OperationalError as error:
        raise DatabaseUnreachable(_what_to_do(error)) from error


def require_good_files(settings: Settings, *, queues: str | None = None) -> Sequence[str]:
    """Raise what keeps a process from keeping files; return warnings. A worker on other queues has no files.

    Never before a fork: the library of object stores has threads, which a fork would miss.
    """
    if queues is not None and not set(queues.split(",")) & set(_QUEUES_WITH_FILES):
        return ()
    return require_fit_storage(settings)


def exit_code_of(error: DomainError) -> int:
    """Return what a process ends with that could not start: 75 if it may be started again in a while, else 78."""
    return EXIT_UNREACHABLE if isinstance(error, _PASSING) else EXIT_MISCONFIGURED


def _what_to_do(error: OperationalError) -> str:
    reason = str(error.orig).strip()
    advice = next((words for part, words in _REASONS.items() if part in reason), None)
    if advice is not None:
        return f"PostgreSQL does not let us in ({reason.splitlines()[-1].strip()}): {advice}"
    return (
        f"PostgreSQL does not answer ({reason.splitlines()[0] if reason else 'no reason given'}): is it running, and "
        "is FABROUTE_DATABASE_URL right? Or run everything with: fabroute demo"
    )
