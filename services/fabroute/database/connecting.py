"""Where the database is, and what is in the way of a connection to it: in words that say what to do."""

from collections.abc import Mapping

from psycopg import pq
from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from fabroute.kernel.errors import DomainError
from fabroute.settings import EXAMPLE_DATABASE_URL

_SETTING = "FABROUTE_DATABASE_URL"
_HIGHEST_PORT = 65_535
_ENCODED = "in a name or password write @ as %40, : as %3A, / as %2F, % as %25"
_REFUSALS: Mapping[str, str] = {
    "password authentication failed": f"role and password in {_SETTING} are not its own ({_ENCODED})",
    "no password supplied": f"this server wants a password, and {_SETTING} has none",
    "root certificate file": "let sslrootcert name the authority that signed the server's certificate",
    "does not exist": f"make that database or role (infra/database/roles.sql), or correct {_SETTING}",
    "is not permitted to log in": "let that role log in (ALTER ROLE … LOGIN), or name another",
    "permission denied for database": "let that role in (GRANT CONNECT ON DATABASE …), or name another",
    "not currently accepting connections": "let connections in again (ALTER DATABASE … ALLOW_CONNECTIONS true)",
    "authentication failed": f"the server's pg_hba.conf wants another proof of who one is: correct it, or {_SETTING}",
    "no pg_hba.conf entry": "let this machine in by a line of the server's pg_hba.conf",
    "server does not support SSL": f"take sslmode out of {_SETTING}, or set up TLS on the server",
    "certificate verify failed": "let sslrootcert name the authority that signed the server's certificate",
    "server certificate for": "connect by a name that stands in the server's certificate",
    "invalid sslmode value": "sslmode is disable, allow, prefer, require, verify-ca or verify-full",
    "connection is bad: invalid": f"correct that option in {_SETTING}",
}
"""What an answer of PostgreSQL or of its library says, and what to do; to try again would not help."""
_STATES: Mapping[str, str] = {
    "55P03": "another session holds a lock on it; try again in a while (pg_stat_activity tells who waits for whom)",
    "40P01": "another session was in the way; try again",
    "53100": "its disk is full; make room there or enlarge it, nothing that was acknowledged is lost",
    "53300": "all its connections are taken; end some, or raise max_connections",
}
"""By SQLSTATE: what PostgreSQL answers where trying again may help."""
_UNKNOWN_HOST = ("could not translate host name", "failed to resolve host")


class DatabaseMissing(DomainError):
    """No database is configured, or its URL can't be read."""

    code = "database_not_configured"
    status = 503


class DatabaseUnreachable(DomainError):
    """The configured PostgreSQL does not answer."""

    code = "database_unreachable"
    status = 503
    passes = True


class DatabaseRefused(DomainError):
    """The configured PostgreSQL answers, but does not let us in."""

    code = "database_refused"
    status = 503


def parsed_url(url: str | None) -> URL:
    """Return a PostgreSQL ``url`` as SQLAlchemy takes it; ``DatabaseMissing`` says what is wrong with it.

    What is said shows nothing of the URL that may be a password.
    """
    if not url:
        raise DatabaseMissing(
            f"no database: set {_SETTING}, e.g. {EXAMPLE_DATABASE_URL} (or run the demo: fabroute demo)"
        )
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseMissing(
            f"{_SETTING} is not a URL; it looks like {EXAMPLE_DATABASE_URL}, with a number as its port ({_ENCODED})"
        ) from error
    if parsed.get_backend_name() != "postgresql":
        raise DatabaseMissing(
            f"fabroute keeps its record in PostgreSQL, not {parsed.get_backend_name()}: "
            f"{_SETTING} looks like {EXAMPLE_DATABASE_URL}"
        )
    _require_whole(parsed)
    return parsed.set(drivername="postgresql+psycopg")


def trouble_of(error: DBAPIError) -> DomainError:
    """Return what to tell of a connection that was not made, or of a statement that failed for no fault of its own."""
    reason = str(error.orig).strip()
    passing = _STATES.get(str(getattr(error.orig, "sqlstate", None)))
    if passing is not None:
        return DatabaseUnreachable(f"PostgreSQL can't do it now ({reason.partition(chr(10))[0]}): {passing}")
    said = reason.splitlines()[-1].strip() if "FATAL" in reason else reason.partition("\n")[0].strip()
    if any(part in reason for part in _UNKNOWN_HOST):
        return DatabaseUnreachable(f"no machine is known by the host in {_SETTING}: correct it, or the name service")
    advice = next((words for part, words in _REFUSALS.items() if part in reason), None)
    if advice is not None:
        return DatabaseRefused(f"PostgreSQL does not let us in ({said}): {advice}")
    return DatabaseUnreachable(
        f"PostgreSQL does not answer ({said or 'no reason given'}): start it, or point {_SETTING} at one that runs "
        "(to try fabroute without any server: fabroute demo)"
    )


def _require_whole(parsed: URL) -> None:
    """Refuse what the library would take for something else, or would refuse with the password in its words."""
    if "@" in f"{parsed.host or ''}{parsed.database or ''}":
        raise DatabaseMissing(f"{_SETTING} has more than one @: {_ENCODED}")
    if parsed.port is not None and not 0 < parsed.port <= _HIGHEST_PORT:
        raise DatabaseMissing(f"{_SETTING} has {parsed.port} as its port: give one from 1 to {_HIGHEST_PORT}")
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    unknown = sorted(set(parsed.query) - known)
    if unknown:
        raise DatabaseMissing(
            f"{_SETTING} has the option {unknown[0]}, which PostgreSQL's library does not know: correct it or leave it "
            "out (sslmode, sslrootcert, host, target_session_attrs and others: libpq's manual, “Parameter Key Words”)"
        )
