"""Units of work: one transaction a request or task, ended at the edge."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlmodel import Session


@contextmanager
def unit_of_work(engine: Engine, *, repeatable_read: bool = False) -> Iterator[Session]:
    """Yield a session whose transaction is committed when the block ends well, and rolled back when it raises.

    ``repeatable_read`` makes all reads of the block see one instant, as a snapshot needs.
    """
    bound = engine.execution_options(isolation_level="REPEATABLE READ") if repeatable_read else engine
    with Session(bound, expire_on_commit=False) as session, session.begin():
        yield session
