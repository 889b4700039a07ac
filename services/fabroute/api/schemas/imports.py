"""Tables over the wire: their rows, and what an import did or would do."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from fabroute.api.schemas.base import Label, Note, RequestModel, ResponseModel
from fabroute.api.schemas.parts import AliasIn, InstallationIn
from fabroute.api.schemas.revisions import (
    CharacteristicBody,
    CubicCentimetres,
    ExportClass,
    InspectionLevel,
    IpZone,
    Millimetres,
    Names,
    Orientation,
)
from fabroute.orders.rules import Criticality, Packaging

Outcome = Literal["created", "changed", "unchanged"]
_MOST = 2_000_000_000
Value = TypeVar("Value")


def _none_if_empty(value: Value) -> Value | None:
    return None if value == "" else value


def _alias_of(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    kind, _, number = value.partition(":")
    return {"kind": kind.strip(), "number": number.strip()}


def _installation_of(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    asset, _, place = value.partition("@")
    position, times, quantity = place.partition("*")
    found: dict[str, Any] = {"asset": asset.strip(), "position": position.strip()}
    return found | ({"quantity": int(quantity) if quantity.strip().isdecimal() else quantity} if times else {})


def _whole_cents(value: float) -> float:
    if Decimal(str(value)) % Decimal("0.01"):
        raise PydanticCustomError("parts_of_a_cent", "has parts of a cent: use at most two decimals")
    return value


Euro = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False), AfterValidator(_whole_cents)]
"""An amount as people write it into a table: 4.10."""
Alias = Annotated[AliasIn, BeforeValidator(_alias_of)]
"""``old:4711``, or an object."""
Installation = Annotated[InstallationIn, BeforeValidator(_installation_of)]
"""``pump P-17@4`` or ``pump P-17@4*2`` for two of them, or an object."""


class PartRow(RequestModel):
    """A part, with its other numbers and places; columns that are not there leave a known part as it is."""

    part_no: Label
    name: Label | None = None
    sector: Label | None = None
    criticality: Criticality | None = None
    hs_code: Label | None = None
    annual_demand: int | None = Field(default=None, ge=0, le=_MOST)
    note: str = Field(default="", max_length=2_000)
    conventional_unit_eur: Euro | None = None
    conventional_tooling_eur: Euro | None = None
    conventional_minimum_quantity: int | None = Field(default=None, ge=1, le=_MOST)
    conventional_lead_days: int | None = Field(default=None, ge=0, le=3_650)
    aliases: list[Alias] = Field(default=[], max_length=200)
    installations: list[Installation] = Field(default=[], max_length=1_000)

    _emptied = field_validator("name", "sector", "criticality", "hs_code", mode="before")(_none_if_empty)


class RevisionRow(RequestModel):
    """A revision of a part, which must be there; a draft takes what is new, any other revision keeps what it has."""

    part_no: Label
    revision: Label
    box_x_mm: Millimetres | None = None
    box_y_mm: Millimetres | None = None
    box_z_mm: Millimetres | None = None
    volume_cm3: CubicCentimetres | None = None
    process_materials: Names = Field(default=[])
    required_certificates: Names = Field(default=[])
    part_qualification: bool | None = None
    export_class: ExportClass | None = None
    ip_zone: IpZone | None = None
    parameter_sets: Names = Field(default=[])
    qualified_orientation: Orientation | None = None
    inspection_level: InspectionLevel | None = None
    inspection_plan: list[CharacteristicBody] = Field(default=[], max_length=100)
    packaging: Packaging | None = None
    ip_countries: Names = Field(default=[])
    ip_nodes: Names = Field(default=[])
    ip_kinds: Names = Field(default=[])
    ip_share_cap: float | None = Field(default=None, gt=0, le=1)
    licence_required: bool | None = None

    _emptied = field_validator(
        "export_class", "ip_zone", "qualified_orientation", "inspection_level", "packaging", mode="before"
    )(_none_if_empty)


class CertificateRow(RequestModel):
    """A certificate of a node."""

    node_id: Label
    scheme: Label
    scope: Label = "*"
    machine_id: Label | None = None
    parameter_set: Label | None = None
    number: Note = ""
    issuer: Note = ""
    valid_from: Annotated[date, Field(strict=False)]
    valid_to: Annotated[date, Field(strict=False)]

    _emptied = field_validator("machine_id", "parameter_set", mode="before")(_none_if_empty)

    @field_validator("scope", mode="before")
    @classmethod
    def _whole_site_if_empty(cls, value: Any) -> Any:
        return value or "*"


class ImportProblemOut(ResponseModel):
    """Something that keeps a table out."""

    row: int = Field(description="1 is the first row after the header; 0 is the table as a whole.")
    line: int | None = Field(description="Where the row begins in a CSV file.")
    field: str
    pointer: str = Field(description="`/rows/12/name`: row 12, field `name`.")
    code: str
    message: str


class ImportedRowOut(ResponseModel):
    """What became, or would become, of one row."""

    row: int
    key: str
    outcome: Outcome


class ImportOut(ResponseModel):
    """What an import did; a dry run did it all, and undid it."""

    dry_run: bool
    rows: int
    created: int
    changed: int
    unchanged: int
    results: list[ImportedRowOut]
    problems: list[ImportProblemOut] = Field(description="Of a dry run; any would refuse the import.")
    warnings: list[str] = Field(
        default=[], description="What to look at, though it was taken: days to come without a row, unlikely values."
    )
