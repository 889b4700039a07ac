"""Print licences: who may print what, how often, where, until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceView:
    """The right to so many good prints of a revision; empty lists of nodes and countries mean any."""

    licence_id: str
    organisation_id: str
    revision_id: str
    granted_prints: int
    good_prints: int
    leased_prints: int
    node_ids: tuple[str, ...]
    countries: tuple[str, ...]
    valid_to: date | None
    """The last day on which it counts."""
    state: str
    """``active``, ``frozen`` or ``revoked``."""
    state_reason: str
    note: str
    granted_by: str
    granted_at: datetime
    version: int = 1

    @property
    def left(self) -> int:
        """Good prints that are neither made nor held for a job."""
        return self.granted_prints - self.good_prints - self.leased_prints


def permits(licence: LicenceView, *, node_id: str, country: str, on: date) -> bool:
    """Return whether a licence is active, counts on that day, and lets that node in that country print."""
    return (
        licence.state == "active"
        and (licence.valid_to is None or on <= licence.valid_to)
        and (not licence.node_ids or node_id in licence.node_ids)
        and (not licence.countries or country in licence.countries)
    )


def licence_for(
    licences: Sequence[LicenceView], *, node_id: str, country: str, prints: int, on: date
) -> LicenceView | None:
    """Return the licence that a node would use for so many prints on a day, ``None`` if no single one is enough.

    Of several, the one that ends first, then the one with the least left, then the oldest id: what is fit for little
    else is used up first.
    """
    fitting = [it for it in licences if it.left >= prints and permits(it, node_id=node_id, country=country, on=on)]
    return min(fitting, key=lambda it: (it.valid_to or date.max, it.left, it.licence_id), default=None)
