"""Lots in stores over the wire. Only a node's own organisation and the operator see them."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Note, RequestModel, ResponseModel, Sentence
from fabroute.api.schemas.nodes import LotOut
from fabroute.network.service import LotStock, MovementView
from fabroute.production.service.recall import LotChange

LotStateName = Literal["available", "quarantined", "blocked"]


class StoredLotOut(LotOut):
    """A lot in a node's store, with what is reserved and used of it and how long it will last."""

    node_id: str
    state_reason: str = Field(description="Why it is in its state, as it was said.")
    state_changed_at: AwareDatetime | None
    reserved_grams: int = Field(description="Held for jobs and not used yet; it lies in the store beside what remains.")
    used_grams: int = Field(description="What builds took that were closed.")
    used_grams_28_days: int = Field(description="Of these, in the last 28 days.")
    days_left: int = Field(description="Until it expires; below 0: it did.")
    runway_days: float | None = Field(
        description="How long what remains lasts at the mean daily use of the last 28 days; null without any use."
    )


class LotChangedOut(StoredLotOut):
    """A lot after a change."""

    held_jobs: int = Field(description="How many jobs that draw from it were held by the change.")


class LotStateIn(RequestModel):
    """Put a lot aside or let it be used again."""

    state: LotStateName = Field(description="`blocked` is for good.")
    reason: Sentence = Field(description="For the people who will ask why.")


class StocktakeIn(RequestModel):
    """What was weighed."""

    counted_grams: int = Field(
        ge=0,
        le=2_000_000_000,
        description="All of the lot that lies in the store, with what jobs have reserved and not used yet.",
    )
    note: Note = ""


class RefreshIn(RequestModel):
    """Fresh powder mixed into a used lot."""

    fresh_grams: int = Field(ge=1, le=2_000_000_000)
    note: Note = ""


class LotMovementOut(ResponseModel):
    """What came into a lot or left it otherwise than by a reservation, or a change of its state."""

    id: int
    kind: str = Field(
        description="`received`, `consumed`, `corrected`, `refreshed`, `quarantined`, `released` or `blocked`."
    )
    grams: int = Field(description="What came; what went is negative.")
    remaining_grams: int = Field(description="After it: what no job held.")
    reuse_count: int = Field(description="After it.")
    job_id: str | None
    build_id: str | None
    actor: str = Field(description="The API key's id.")
    note: str
    moved_at: AwareDatetime


def stored_lot_out(lot: LotStock, *, today: date) -> StoredLotOut:
    """Return a lot with its figures for an answer."""
    return StoredLotOut.model_validate(_figures(lot, today))


def lot_changed_out(change: LotChange, *, today: date) -> LotChangedOut:
    """Return a lot after a change for an answer."""
    return LotChangedOut.model_validate(_figures(change.lot, today) | {"held_jobs": change.held})


def movement_out(movement: MovementView) -> LotMovementOut:
    """Return a movement of a lot for an answer."""
    return LotMovementOut(
        id=movement.movement_id,
        kind=movement.kind,
        grams=movement.grams,
        remaining_grams=movement.remaining_grams,
        reuse_count=movement.reuse_count,
        job_id=movement.job_id,
        build_id=movement.build_id,
        actor=movement.actor,
        note=movement.note,
        moved_at=movement.moved_at,
    )


def _figures(lot: LotStock, today: date) -> dict[str, object]:
    return {
        "id": lot.lot_id,
        "node_id": lot.node_id,
        "material": lot.material,
        "supplier_lot": lot.supplier_lot,
        "initial_grams": lot.initial_grams,
        "remaining_grams": lot.remaining_grams,
        "expires_on": lot.expires_on,
        "state": lot.state,
        "state_reason": lot.state_reason,
        "state_changed_at": lot.state_changed_at,
        "reuse_count": lot.reuse_count,
        "reserved_grams": lot.reserved_grams,
        "used_grams": lot.used_grams,
        "used_grams_28_days": lot.lately_grams,
        "days_left": lot.days_left(today),
        "runway_days": None if lot.runway_days is None else round(lot.runway_days, 1),
    }
