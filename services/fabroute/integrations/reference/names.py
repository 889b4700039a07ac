"""By what people find a part that don't know its number: an old or a maker's number, the machine that it belongs to."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from fabroute.integrations.reference.description import Description
from fabroute.integrations.reference.nodes import OWNER_ID
from fabroute.integrations.reference.rows import InstallationRow
from fabroute.inventory.service import NewAlias, NewInstallation, PartView, add_alias, find_parts, install_part


def save_names(session: Session, *, description: Description, actor: str, now: datetime) -> int:
    """Add the numbers and installations that are not there yet; return how many. What people noted is left alone.

    A number that a part goes by already, be it another one, stays with that part.
    """
    asked = {name for row in description.part_numbers for name in (row.part_no, row.number)}
    asked |= {row.part_no for row in description.part_installations}
    known = find_parts(session, organisation_id=OWNER_ID, part_nos=asked, details=True)
    numbers = [row for row in description.part_numbers if row.number not in known]
    for row in numbers:
        alias = NewAlias(kind=row.kind, number=row.number)
        add_alias(session, organisation_id=OWNER_ID, part_no=row.part_no, alias=alias, actor=actor, now=now)
    places = [row for row in description.part_installations if not _is_there(row, known)]
    for place in places:
        new = NewInstallation(asset=place.asset, position=place.position, quantity=place.quantity, note=place.note)
        install_part(session, organisation_id=OWNER_ID, part_no=place.part_no, installation=new, actor=actor, now=now)
    return len(numbers) + len(places)


def _is_there(row: InstallationRow, known: Mapping[str, PartView]) -> bool:
    return any((it.asset, it.position) == (row.asset, row.position) for it in known[row.part_no].installations)
