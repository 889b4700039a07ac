"""Parts of the digital inventory over the wire."""

from typing import Literal

from pydantic import Field

from fabroute.api.schemas.base import Label, RequestModel, ResponseModel
from fabroute.api.schemas.revisions import RevisionOut, revision_out
from fabroute.inventory.service import InstallationView, NewAlias, NewInstallation, NewPart, PartChange, PartView
from fabroute.orders.rules import Criticality

AliasKind = Literal["old", "supplier", "manufacturer", "gtin"]
_MOST = 2_000_000_000


class PartIn(RequestModel):
    """A spare part."""

    part_no: Label = Field(examples=["RL-0001"])
    name: Label = Field(examples=["Door stopper, metal"])
    sector: Label = Field(examples=["rail"])
    criticality: Criticality = Field(default="routine", description="The usual one; an order may say another.")
    hs_code: Label = Field(description="Customs tariff number.", examples=["8607.19"])
    annual_demand: int = Field(default=0, ge=0, le=_MOST)
    note: str = Field(default="", max_length=2_000)


class PartChangeIn(RequestModel):
    """What is to change of a part; what is left out (or null) stays as it is."""

    name: Label | None = None
    sector: Label | None = None
    criticality: Criticality | None = None
    hs_code: Label | None = None
    annual_demand: int | None = Field(default=None, ge=0, le=_MOST)
    note: str | None = Field(default=None, max_length=2_000)


class AliasIn(RequestModel):
    """Another number under which a part is known: it can be found and ordered by it."""

    kind: AliasKind
    number: Label = Field(examples=["4711-0815"])


class InstallationIn(RequestModel):
    """Where a part is installed."""

    asset: Label = Field(examples=["pump P-17"])
    position: str = Field(default="", max_length=120, examples=["4"])
    quantity: int = Field(default=1, ge=1, le=_MOST, description="How many of it are there.")
    note: str = Field(default="", max_length=2_000)


class AliasOut(ResponseModel):
    """Another number of a part."""

    kind: str = Field(description="`old`, `supplier`, `manufacturer` or `gtin`.")
    number: str


class InstallationOut(ResponseModel):
    """Where a part is installed, and how many of it."""

    id: str
    asset: str
    position: str
    quantity: int
    note: str


class PartOut(ResponseModel):
    """A part with its revisions."""

    id: str
    part_no: str
    name: str
    sector: str
    criticality: str = Field(description="The usual one; an order may say another.")
    hs_code: str
    annual_demand: int
    note: str
    aliases: list[AliasOut] = Field(description="Other numbers that find it.")
    installations: list[InstallationOut] = Field(description="Where it is installed.")
    released_revision: str | None = Field(description="The revision that an order means when it names none.")
    revisions: list[RevisionOut]
    version: int


def part_out(part: PartView) -> PartOut:
    """Return a part for an answer."""
    return PartOut(
        id=part.part_id,
        part_no=part.part_no,
        name=part.name,
        sector=part.sector,
        criticality=part.criticality,
        hs_code=part.hs_code,
        annual_demand=part.annual_demand,
        note=part.note,
        aliases=[AliasOut(kind=alias.kind, number=alias.number) for alias in part.aliases],
        installations=[installation_out(place) for place in part.installations],
        released_revision=None if part.released is None else part.released.revision,
        revisions=[revision_out(revision) for revision in part.revisions],
        version=part.version,
    )


def installation_out(place: InstallationView) -> InstallationOut:
    """Return a place where a part is installed for an answer."""
    return InstallationOut(
        id=place.installation_id, asset=place.asset, position=place.position, quantity=place.quantity, note=place.note
    )


def new_part(organisation_id: str, asked: PartIn) -> NewPart:
    """Return a part as the inventory takes it; ``InvalidPart`` with everything that can't be."""
    return NewPart(organisation_id=organisation_id, **dict(asked))


def part_change(asked: PartChangeIn, *, version: int) -> PartChange:
    """Return a change as the inventory takes it."""
    return PartChange(expected_version=version, **dict(asked))


def new_alias(asked: AliasIn) -> NewAlias:
    """Return another number as the inventory takes it; ``InvalidPart`` for one that can't be."""
    return NewAlias(kind=asked.kind, number=asked.number)


def new_installation(asked: InstallationIn) -> NewInstallation:
    """Return a place as the inventory takes it; ``InvalidPart`` for one that can't be."""
    return NewInstallation(**dict(asked))
