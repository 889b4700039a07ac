"""What the tasks of the audit log do: seal what waits, export signed roots when an hour is over."""

import structlog
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.ports import RootFolder, RootSigner
from fabroute.identity.service.sealing import export_roots, seal_audit_log
from fabroute.settings import Settings

SEALING_SECONDS = 10.0
"""Orders wait in the same worker: what is left is rung for at once."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.audit_work")


def seal(engine: Engine) -> int:
    """Seal the audit entries that wait; return how many."""
    return seal_audit_log(engine, seconds=SEALING_SECONDS)


def export(engine: Engine, settings: Settings, *, signer: RootSigner, folder: RootFolder) -> int:
    """Sign and export the heads of the chains that moved, unless that was done lately; return how many roots."""
    with unit_of_work(engine) as session:
        roots = export_roots(session, signer=signer, folder=folder, every_seconds=settings.audit_roots_seconds)
    if roots:
        _log.info("audit.roots_exported", roots=roots)
    return roots
