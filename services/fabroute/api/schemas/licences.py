"""Print licences over the wire."""

from datetime import date

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Day, Label, RequestModel, ResponseModel
from fabroute.inventory.service import LicenceView, NewLicence


class LicenceIn(RequestModel):
    """The right to so many good prints of a revision."""

    prints: int = Field(ge=1, le=1_000_000, description="Good prints; failed ones don't count.")
    node_ids: list[Label] = Field(default=[], max_length=200, description="Nodes that may use it; all, if empty.")
    countries: list[Label] = Field(
        default=[], max_length=200, description="Where it may be used (ISO 3166-1 alpha-2); everywhere, if empty."
    )
    valid_to: Day | None = Field(default=None, description="Its last day.")
    note: str = Field(default="", max_length=2_000)


class LicenceOut(ResponseModel):
    """The right to so many good prints of a revision, and what became of it."""

    id: str
    revision_id: str
    state: str = Field(description="`active`, `frozen` (superseded or withdrawn) or `revoked`.")
    state_reason: str
    granted_prints: int
    good_prints: int
    leased_prints: int = Field(description="Held for jobs and not printed yet.")
    left: int = Field(description="Neither printed nor held.")
    node_ids: list[str]
    countries: list[str]
    valid_to: date | None
    note: str
    granted_by: str
    granted_at: AwareDatetime


def new_licence(revision_id: str, asked: LicenceIn) -> NewLicence:
    """Return a licence as the inventory takes it; ``InvalidLicence`` with everything that can't be."""
    return NewLicence(
        revision_id=revision_id,
        prints=asked.prints,
        node_ids=tuple(asked.node_ids),
        countries=tuple(asked.countries),
        valid_to=asked.valid_to,
        note=asked.note,
    )


def licence_out(licence: LicenceView) -> LicenceOut:
    """Return a licence for an answer."""
    return LicenceOut(
        id=licence.licence_id,
        revision_id=licence.revision_id,
        state=licence.state,
        state_reason=licence.state_reason,
        granted_prints=licence.granted_prints,
        good_prints=licence.good_prints,
        leased_prints=licence.leased_prints,
        left=licence.left,
        node_ids=list(licence.node_ids),
        countries=list(licence.countries),
        valid_to=licence.valid_to,
        note=licence.note,
        granted_by=licence.granted_by,
        granted_at=licence.granted_at,
    )
