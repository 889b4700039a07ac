"""The first start: makes the operator and its key where there is none, and shows the key once, on a terminal."""

from typing import TextIO

from sqlalchemy.exc import OperationalError

from fabroute.database import create_database_engine, unit_of_work
from fabroute.database.schema import SchemaNotCurrent, require_current_schema
from fabroute.identity.service.first_start import OPERATOR, make_first_operator
from fabroute.identity.service.keys import IssuedKey
from fabroute.kernel.time import utc_now
from fabroute.settings import Settings

WORDS = (
    f"this installation had no operator: {OPERATOR} is made, with every scope. Its key, shown only now "
    "(keep it; fabroute keys create makes others):"
)


def first_operator_key(url: str | None) -> IssuedKey | None:
    """Return the key of the operator that is made now in the database at ``url``; ``None`` if there was one.

    The role needs no right but to add rows. Raises ``OperationalError`` where PostgreSQL does not answer.
    """
    engine = create_database_engine(url, pool_size=1)
    try:
        with unit_of_work(engine) as session:
            return make_first_operator(session, now=utc_now())
    finally:
        engine.dispose()


def greet_first_operator(settings: Settings, *, terminal: TextIO) -> None:
    """Make the first operator if somebody is there to read its key: never where the output goes to a log.

    Without a terminal, tables or PostgreSQL nothing is made: ``fabroute migrate`` does it, or the next start.
    """
    if not terminal.isatty():
        return
    engine = create_database_engine(settings.database_url, pool_size=1)
    try:
        require_current_schema(engine)
        issued = first_operator_key(settings.database_url)
    except (OperationalError, SchemaNotCurrent):
        return
    finally:
        engine.dispose()
    if issued is not None:
        print(f"{WORDS}\n{issued.token}", file=terminal, flush=True)
