"""Tasks of the audit log."""

from functools import lru_cache

from fabroute.database import database_engine
from fabroute.identity.ports import RootFolder, RootSigner
from fabroute.integrations.audit_roots import open_root_folder
from fabroute.integrations.signing_key import configured_signer
from fabroute.settings import get_settings
from fabroute_workers import audit_work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import EXPORT_AUDIT_ROOTS, SEAL_AUDIT_LOG


@app.task(name=SEAL_AUDIT_LOG)
def seal_audit_log(**_: object) -> None:
    """Give the new entries of the audit log their places in its chains."""
    audit_work.seal(database_engine())


@app.task(name=EXPORT_AUDIT_ROOTS)
def export_audit_roots(**_: object) -> None:
    """Sign how far the chains are, and keep that where the database can't reach, once an hour."""
    audit_work.export(database_engine(), get_settings(), signer=_signer(), folder=_folder())


@lru_cache(maxsize=1)
def _signer() -> RootSigner:
    return configured_signer(get_settings())


@lru_cache(maxsize=1)
def _folder() -> RootFolder:
    return open_root_folder(get_settings().audit_roots_url)
