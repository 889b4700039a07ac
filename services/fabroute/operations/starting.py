"""What is asked before a process serves or works: whatever is wrong is told at once, with what to do about it."""

from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from fabroute.database.connecting import trouble_of
from fabroute.database.starting import require_fit_database
from fabroute.integrations.start_checks import (
    require_fit_carriers,
    require_fit_roots,
    require_fit_secret_key,
    require_fit_signing_key,
    require_fit_storage,
)
from fabroute.kernel.exit_codes import EXIT_MISCONFIGURED, EXIT_UNREACHABLE, exit_code_of
from fabroute.settings import Settings

__all__ = [
    "EXIT_MISCONFIGURED",
    "EXIT_UNREACHABLE",
    "exit_code_of",
    "require_good_database",
    "require_good_files",
    "require_good_files_of_api",
]

_AUDIT_QUEUE = "identity"
"""Its tasks sign the roots of the audit log, and export them."""
_WEBHOOKS_QUEUE = "webhooks"
"""Its tasks open sealed secrets of webhooks."""
_SHIPPING_QUEUE = "production"
"""Its tasks exchange files with carriers."""
_QUEUES_WITH_FILES = {"inventory", _AUDIT_QUEUE}
"""Their tasks read print files, or write to the same store."""


def require_good_database(engine: Engine, settings: Settings) -> Sequence[str]:
    """Raise what keeps a process from working on this database; return warnings.

    In production a role that is not bound by row-level security is refused.
    """
    try:
        return require_fit_database(engine, strict=settings.profile == "production")
    except OperationalError as error:
        raise trouble_of(error) from error


def require_good_files(settings: Settings, *, queues: str | None = None) -> Sequence[str]:
    """Raise what keeps a worker from its files and keys; return warnings. One on other queues has none.

    Never before a fork: the library of object stores has threads, which a fork would miss.
    """
    chosen = None if queues is None else {name.strip() for name in queues.split(",")}
    told: Sequence[str] = ()
    if chosen is None or chosen & _QUEUES_WITH_FILES:
        told = require_fit_storage(settings)
    if chosen is None or _AUDIT_QUEUE in chosen:
        require_fit_roots(settings)
        require_fit_signing_key(settings)
    if chosen is None or _WEBHOOKS_QUEUE in chosen:
        require_fit_secret_key(settings)
    if chosen is None or _SHIPPING_QUEUE in chosen:
        require_fit_carriers(settings)
    return told


def require_good_files_of_api(settings: Settings) -> Sequence[str]:
    """Raise what keeps an API from its files and keys; return warnings. Never before a fork."""
    require_fit_signing_key(settings)
    require_fit_secret_key(settings)
    return require_fit_storage(settings)
