"""An installation's places on this machine: storage, audit roots, keys."""

from dataclasses import dataclass
from pathlib import Path

from fabroute.integrations.audit_roots import open_root_folder
from fabroute.integrations.object_storage import ObjectStoragePrintFiles, open_object_store
from fabroute.integrations.sign_in.secret_key import make_secret_key
from fabroute.integrations.validation.signing import open_signer
from fabroute.operations.backing_up import Installation
from fabroute_embedded.wheels import postgres_tools_folder
from tests.conftest import Database

KEYS = ("signing-key.pem", "secret-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database and a folder, in which all else of an installation lies."""

    database: Database
    folder: Path

    @property
    def store(self) -> ObjectStoragePrintFiles:
        """Its object storage."""
        return open_object_store((self.folder / "files").as_uri())

    def installation(self) -> Installation:
        """It, as backup and restore want it."""
        return Installation(
            owner_url=self.database.migration_url,
            application_role="app_rw",
            store=self.store,
            roots=open_root_folder((self.folder / "roots").as_uri()),
            keys={name: self.folder / name for name in KEYS},
            tool_folders=(postgres_tools_folder(),),
        )

    def make_keys(self) -> None:
        """Make both keys."""
        open_signer(self.folder / KEYS[0], create=True)
        make_secret_key(self.folder / KEYS[1])


def place(database: Database, folder: Path) -> Place:
    """Return an installation's place; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return Place(database=database, folder=folder)


def quiet(_what: str, _done: int, _total: int) -> None:
    """Take progress without showing it."""
