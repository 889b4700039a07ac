"""Tasks of the inventory."""

from dataclasses import replace
from functools import lru_cache

from fabroute.database import database_engine
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.validation.sandbox import STANDARD, LimitedValidator
from fabroute.inventory.ports import PrintFileStore
from fabroute.settings import get_settings
from fabroute_workers import work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import VALIDATE_PRINT_FILES


@app.task(name=VALIDATE_PRINT_FILES)
def validate_print_files(**_: object) -> None:
    """Validate the print files that were uploaded."""
    work.validate(database_engine(), get_settings(), store=_store(), validator=_validator())


@lru_cache(maxsize=1)
def _store() -> PrintFileStore:
    return open_print_file_store(get_settings().storage_url)


@lru_cache(maxsize=1)
def _validator() -> LimitedValidator:
    """Return the validator of this worker's child process: its server lives as long."""
    return LimitedValidator(limits=replace(STANDARD, wall_seconds=get_settings().validation_wall_seconds))
