"""Whose rows a transaction may touch: ``fabroute.tenant``, which the row-level security of every tenant table asks.

Unset or empty, no row of any tenant is there: what forgets to say whose it is finds nothing. An organisation's id shows
that organisation's rows, ``*`` those of every tenant. It is said for one transaction at a time (``SET LOCAL``), so the
next user of a pooled connection starts with nothing.
"""

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, event
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import EVERY_TENANT

TENANT_SETTING = "fabroute.tenant"
_TENANT = "tenant"
_CALLER = "caller"
_SAY = f"SELECT set_config('{TENANT_SETTING}', %s, true)"


class ForeignTenant(DomainError):
    """Something would have been written for an organisation that the caller is not."""

    code = "foreign_tenant"
    status = 403


class TenantSession(Session):
    """A session each of whose transactions begins with saying whose rows it may touch, if it was told."""

    def begin_for(self, tenant: str | None) -> None:
        """Say ``tenant`` at the begin of this session's transactions; ``None`` leaves it to the connection."""
        self.info[_TENANT] = self.info[_CALLER] = tenant


@event.listens_for(TenantSession, "after_begin")
def _say_tenant(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    tenant = session.info.get(_TENANT)
    if tenant is not None and not transaction.nested:
        connection.exec_driver_sql(_SAY, (tenant,))


@event.listens_for(TenantSession, "after_soft_rollback")
def _forget_everyone(session: Session, transaction: SessionTransaction) -> None:
    """What was said since a savepoint is rolled back with it."""
    session.info[_TENANT] = session.info.get(_CALLER)


def tenant_of(session: Session) -> str | None:
    """Return whose rows the session may touch; ``None`` where its connection says so by itself."""
    tenant: str | None = session.info.get(_TENANT)
    return tenant


def reaches(session: Session, organisation_id: str) -> bool:
    """Return whether the session began for that organisation, or for everyone: what it may change as its own."""
    return session.info.get(_CALLER) in (None, EVERY_TENANT, organisation_id)


def act_for_everyone(session: Session) -> None:
    """Let the rest of the transaction touch the rows of every tenant.

    For effects that reach another organisation: a decline that requeues the owner's line, a cancelled order that frees
    a bureau's machine. Call it after the thing was found under the caller's own tenant, so that a foreign thing was
    never there. Where everything may be touched already it costs nothing.
    """
    if session.info.get(_TENANT) in (None, EVERY_TENANT):
        return
    session.connection().exec_driver_sql(_SAY, (EVERY_TENANT,))
    session.info[_TENANT] = EVERY_TENANT


def require_own(tenant: str, organisation_id: str) -> None:
    """Raise ``ForeignTenant`` unless a caller of ``tenant`` may write for an organisation.

    For what is written on connections that may touch everything, where the database would not say so itself.
    """
    if tenant not in (EVERY_TENANT, organisation_id):
        raise ForeignTenant("this belongs to another organisation: nothing was changed")


def is_foreign_write(error: ProgrammingError) -> bool:
    """Return whether row-level security refused to write a row for another organisation."""
    return isinstance(error.orig, InsufficientPrivilege) and "row-level security" in str(error.orig)
