"""Parts of the digital inventory over the wire."""

from typing import Literal

from pydantic import Field

from fabroute.api.schemas.base import Label, MoneyIn, MoneyOut, RequestModel, ResponseModel
from fabroute.api.schemas.revisions import RevisionOut, revision_out
from fabroute.inventory.service import (
    ConventionalMethod,
    InstallationView,
    NewAlias,
    NewInstallation,
    NewPart,
    PartChange,
    PartView,
)
from fabroute.kernel.money import Money
from fabroute.orders.rules import Criticality

AliasKind = Literal["old", "supplier", "manufacturer", "gtin"]
_MOST = 2_000_000_000


class CostIn(MoneyIn):
    """An amount in whole cents; nothing at all is an amount, too."""

    amount_minor: int = Field(ge=0, le=1_000_000_000, description="Cents; 11.30 EUR is 1130.")


class ConventionalIn(RequestModel):
    """What the part costs where it is not printed, as far as you know: what is left out is unknown."""

    unit: CostIn | None = Field(default=None, description="One piece, without the tool.")
    tooling: CostIn | None = Field(
        default=None, description="A mould, pattern or fixture for one variant; 0 where none is needed or it is paid."
    )
    minimum_quantity: int | None = Field(default=None, ge=1, le=_MOST, description="The smallest order (MOQ).")
    lead_days: int | None = Field(default=None, ge=0, le=3_650, description="From the order to the parts.")


class PartIn(RequestModel):
    """A spare part."""

    part_no: Label = Field(examples=["RL-0001"])
    name: Label = Field(examples=["Door stopper, metal"])
    sector: Label = Field(examples=["rail"])
    criticality: Criticality = Field(default="routine", description="The usual one; an order may say another.")
    hs_code: Label = Field(description="Customs tariff number.", examples=["8607.19"])
    annual_demand: int = Field(default=0, ge=0, le=_MOST)
    note: str = Field(default="", max_length=2_000)
    conventional: ConventionalIn | None = None


class PartChangeIn(RequestModel):
    """What is to change of a part; what is left out (or null) stays as it is."""

    name: Label | None = None
    sector: Label | None = None
    criticality: Criticality | None = None
    hs_code: Label | None = None
    annual_demand: int | None = Field(default=None, ge=0, le=_MOST)
    note: str | None = Field(default=None, max_length=2_000)
    conventional: ConventionalIn | None = Field(
        default=None, description="Taken as a whole: what it leaves out is unknown from then on."
    )


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


class ConventionalOut(ResponseModel):
    """What the part costs where it is not printed; null for what is not known."""

    unit: MoneyOut | None = Field(description="One piece, without the tool.")
    tooling: MoneyOut | None = Field(description="For one variant.")
    minimum_quantity: int | None = Field(description="The smallest order (MOQ).")
    lead_days: int | None


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
    conventional: ConventionalOut | None = Field(description="Null where nothing is known about it.")
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
        conventional=conventional_out(part.conventional),
        aliases=[AliasOut(kind=alias.kind, number=alias.number) for alias in part.aliases],
        installations=[installation_out(place) for place in part.installations],
        released_revision=None if part.released is None else part.released.revision,
        revisions=[revision_out(revision) for revision in part.revisions],
        version=part.version,
    )


def conventional_out(method: ConventionalMethod) -> ConventionalOut | None:
    """Return how a part is made conventionally for an answer; ``None`` if nothing is known about it."""
    if method == ConventionalMethod():
        return None
    return ConventionalOut(
        unit=_money_out(method.unit_minor),
        tooling=_money_out(method.tooling_minor),
        minimum_quantity=method.minimum_quantity,
        lead_days=method.lead_days,
    )


def installation_out(place: InstallationView) -> InstallationOut:
    """Return a place where a part is installed for an answer."""
    return InstallationOut(
        id=place.installation_id, asset=place.asset, position=place.position, quantity=place.quantity, note=place.note
    )


def new_part(organisation_id: str, asked: PartIn) -> NewPart:
    """Return a part as the inventory takes it; ``InvalidPart`` with everything that can't be."""
    stated = dict(asked) | {"conventional": _conventional(asked.conventional) or ConventionalMethod()}
    return NewPart(organisation_id=organisation_id, **stated)


def part_change(asked: PartChangeIn, *, version: int) -> PartChange:
    """Return a change as the inventory takes it."""
    stated = dict(asked) | {"conventional": _conventional(asked.conventional)}
    return PartChange(expected_version=version, **stated)


def new_alias(asked: AliasIn) -> NewAlias:
    """Return another number as the inventory takes it; ``InvalidPart`` for one that can't be."""
    return NewAlias(kind=asked.kind, number=asked.number)


def new_installation(asked: InstallationIn) -> NewInstallation:
    """Return a place as the inventory takes it; ``InvalidPart`` for one that can't be."""
    return NewInstallation(**dict(asked))


def _conventional(asked: ConventionalIn | None) -> ConventionalMethod | None:
    if asked is None:
        return None
    return ConventionalMethod(
        unit_minor=None if asked.unit is None else asked.unit.amount_minor,
        tooling_minor=None if asked.tooling is None else asked.tooling.amount_minor,
        minimum_quantity=asked.minimum_quantity,
        lead_days=asked.lead_days,
    )


def _money_out(amount_minor: int | None) -> MoneyOut | None:
    return None if amount_minor is None else MoneyOut.of(Money(amount_minor=amount_minor))
