"""Programs that are connected to PostgreSQL, as far as whoever looks at it can tell."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from sqlalchemy.engine import make_url

from fabroute.database.programs import PREFIX, Program


@contextmanager
def connected(url: str, *programs: Program) -> Iterator[None]:
    """Hold a connection of each of these programs while the block lasts."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with ExitStack() as stack:
        for program in programs:
            stack.enter_context(psycopg.connect(plain, application_name=f"{PREFIX}{program}", autocommit=True))
        yield
