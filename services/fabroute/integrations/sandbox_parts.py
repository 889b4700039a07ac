"""What every sandbox is made of, out of the reference data: three parts with print files, and the ways of parcels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fabroute.integrations.reference import reference_folder
from fabroute.integrations.reference.description import describe
from fabroute.integrations.reference.files import ReferenceFiles, read_files
from fabroute.integrations.reference.print_files import PrintFileMaker
from fabroute.integrations.reference.rows import PartRow
from fabroute.integrations.reference.tables import Problems
from fabroute.integrations.validation.sandbox import LimitedValidator
from fabroute.inventory.ports import PrintFileStore
from fabroute.inventory.service import PrintFileRecord
from fabroute.sandbox.service import NewSandbox, SandboxPart

PARTS: Sequence[str] = ("RL-0003", "RL-0006", "FU-0202")
"""A clip, a hinge and a bracket."""


def describe_sandbox(*, name: str, store: PrintFileStore) -> NewSandbox:
    """Return what a sandbox of that name is made of; the print files are in ``store`` then.

    They are drawn and validated the first time, which takes some seconds, and found there from then on. Raises
    ``InvalidReferenceData`` and ``PrintFileStoreDown``.
    """
    problems = Problems()
    files = read_files(reference_folder(), problems)
    problems.require_none()
    rows = _rows(files)
    return NewSandbox(
        name=name,
        parts=tuple(_part(rows[number], record) for number, record in _made(rows, store).items()),
        logistics=replace(describe(files).logistics, lanes=()),
    )


def _rows(files: ReferenceFiles) -> Mapping[str, PartRow]:
    found = {read.value.part_no: read.value for read in files.parts}
    return {number: found[number] for number in PARTS}


def _made(rows: Mapping[str, PartRow], store: PrintFileStore) -> dict[str, PrintFileRecord]:
    with LimitedValidator() as validator:
        maker = PrintFileMaker(store, validator=validator)
        return {number: maker.make(row) for number, row in rows.items()}


def _part(row: PartRow, file: PrintFileRecord) -> SandboxPart:
    return SandboxPart(
        part_no=row.part_no,
        name=row.name,
        sector=row.sector,
        hs_code=row.hs_code,
        box_mm=row.box_mm,
        volume_cm3=row.volume_cm3,
        file=file,
    )
