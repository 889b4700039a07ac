"""Nodes over the wire. What a node costs and earns is its own business: rates and margins are never shown."""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from fabroute.api.schemas.base import Day, Label, RequestModel, ResponseModel, Sentence
from fabroute.network.service import LotView, MachineView, NewLot, NodeDetail, NodeView, OfferView

NodeKind = Literal["in_house", "service_bureau", "regional_hub"]
NodeStatus = Literal["up", "down"]


class NodeOut(ResponseModel):
    """A place that prints."""

    id: str
    organisation_id: str = Field(description="Whose it is: its API keys accept the node's jobs and get their files.")
    kind: str = Field(description="`in_house`, `service_bureau` or `regional_hub`.")
    city: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    working_days: str
    cutoff_local: str = Field(description="Orders after this local time start on the next working day.")
    packaging: list[str]
    on_time_score: float = Field(description="Share of jobs shipped on time.")
    status: str = Field(description="`up`, or `down`: it gets no jobs.")
    status_reason: str
    offer_seconds: int | None = Field(
        description="How long it has to answer an offer, if its work need not begin sooner; null: what is usual here."
    )
    offline_seconds: int = Field(description="How long it may hold a job without a sign of life.")
    version: int


class MachineOut(ResponseModel):
    """A machine of a node."""

    id: str
    model: str
    process: str
    build_x_mm: float
    build_y_mm: float
    build_z_mm: float
    status: str


class OfferOut(ResponseModel):
    """What a machine prints, with which parameter set."""

    machine_id: str
    process: str
    material: str
    parameter_set: str
    state: str = Field(description="`qualified`, or `development`: not for orders.")


class LotOut(ResponseModel):
    """A lot of material in a node's store."""

    id: str
    material: str
    initial_grams: int
    remaining_grams: int = Field(description="What no job holds yet.")
    expires_on: date
    state: str = Field(description="`available`, `quarantined` or `blocked`.")
    reuse_count: int
    supplier_lot: str = Field(description="The manufacturer's lot number; empty where nobody said.")


class NodeDetailOut(NodeOut):
    """A node with its machines and what they print; its store only for itself and the operator."""

    machines: list[MachineOut]
    offers: list[OfferOut]
    lots: list[LotOut] | None = Field(description="Null where the store is not yours to see.")


class NodeStatusIn(RequestModel):
    """Whether a node gets jobs, and how long it may be silent: at least one of the three. What is left out stays."""

    status: NodeStatus | None = Field(default=None, examples=["up"])
    offer_seconds: int | None = Field(
        default=None,
        ge=10,
        le=604_800,
        description="How long it has to answer an offer, or a job that it claimed; less where work must begin sooner.",
    )
    offline_seconds: int | None = Field(
        default=None, ge=0, le=604_800, description="How long it may hold a job without a sign of life; 0: not at all."
    )
    reason: Sentence = Field(description="For the people who will ask why.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if (self.status, self.offer_seconds, self.offline_seconds) == (None, None, None):
            raise ValueError("give status, offer_seconds or offline_seconds")
        return self


class LotIn(RequestModel):
    """A lot that comes into a node's store."""

    material: Label = Field(description="As in the offers of the node.", examples=["PA12-MJF"])
    grams: int = Field(ge=1, le=2_000_000_000)
    expires_on: Day = Field(description="Its last day; a day gone by only of a lot that is blocked or quarantined.")
    state: Literal["available", "quarantined", "blocked"] = "available"
    reuse_count: int = Field(default=0, ge=0, le=1000, description="How often unused powder of it was used before.")
    supplier_lot: Label | None = Field(
        default=None, description="The manufacturer's lot number, by which it is recalled.", examples=["L-2291"]
    )


def node_out(node: NodeView) -> NodeOut:
    """Return a node for an answer."""
    return NodeOut(
        id=node.node_id,
        organisation_id=node.organisation_id,
        kind=node.kind,
        city=node.city,
        country=node.country,
        latitude=node.latitude,
        longitude=node.longitude,
        timezone=node.timezone,
        working_days=node.working_days,
        cutoff_local=node.cutoff_local,
        packaging=list(node.packaging),
        on_time_score=node.on_time_score,
        status=node.status,
        status_reason=node.status_reason,
        offer_seconds=node.offer_seconds,
        offline_seconds=node.offline_seconds,
        version=node.version,
    )


def node_detail_out(node: NodeDetail, *, with_store: bool) -> NodeDetailOut:
    """Return a node with machines and offers for an answer; with its lots if the caller may see them."""
    return NodeDetailOut(
        **dict(node_out(node)),
        machines=[_machine_out(machine) for machine in node.machines],
        offers=[_offer_out(offer) for offer in node.offers],
        lots=[lot_out(lot) for lot in node.lots] if with_store else None,
    )


def lot_out(lot: LotView) -> LotOut:
    """Return a lot for an answer."""
    return LotOut(
        id=lot.lot_id,
        material=lot.material,
        initial_grams=lot.initial_grams,
        remaining_grams=lot.remaining_grams,
        expires_on=lot.expires_on,
        state=lot.state,
        reuse_count=lot.reuse_count,
        supplier_lot=lot.supplier_lot,
    )


def new_lot(node_id: str, lot: LotIn) -> NewLot:
    """Return a lot as the network takes it."""
    return NewLot(
        node_id=node_id,
        material=lot.material,
        grams=lot.grams,
        expires_on=lot.expires_on,
        state=lot.state,
        reuse_count=lot.reuse_count,
        supplier_lot=lot.supplier_lot or "",
    )


def _machine_out(machine: MachineView) -> MachineOut:
    return MachineOut(
        id=machine.machine_id,
        model=machine.model.model,
        process=machine.model.process,
        build_x_mm=machine.model.x_mm,
        build_y_mm=machine.model.y_mm,
        build_z_mm=machine.model.z_mm,
        status=machine.status,
    )


def _offer_out(offer: OfferView) -> OfferOut:
    return OfferOut(
        machine_id=offer.machine_id,
        process=offer.process,
        material=offer.material.code,
        parameter_set=offer.parameter_set,
        state=offer.parameter_set_state,
    )
