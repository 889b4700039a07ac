"""Jobs over the wire, as their node and their owner see them."""

from datetime import date
from operator import attrgetter

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import MoneyOut, RequestModel, ResponseModel, Sentence
from fabroute.orders.rules import CURRENCY
from fabroute.production.service import JobView


class LeaseOut(ResponseModel):
    """Who holds a job now, and until when."""

    lease_id: str | None = Field(description="Told to who holds it only, when it is given or kept; null otherwise.")
    epoch: int = Field(description="Stays as long as the lease does: writes name it in `Fabroute-Lease`.")
    until: AwareDatetime = Field(description="When it lapses, unless a heartbeat comes before.")
    kind: str = Field(
        description="`claim` (a client that sends heartbeats), `hand` (a person, who needs none) or `offline`."
    )


class JobOut(ResponseModel):
    """Work for one node: print this revision so many times, on this machine, from this lot, by this day."""

    id: str
    state: str = Field(
        description="`planned` (until `dispatch_at`, unknown to its node), `offered`, `countered`, `accepted`,"
        " `in_production`, `inspected`, `shipped`, `delivered`, `held` (see `held_reason`) or `suspect` (its node fell"
        " silent); ended without a part: `declined`, `lapsed`, `failed` or `cancelled`."
    )
    node_id: str
    order_id: str
    order_line_id: str
    share_no: int = Field(description="Which part of a split line; 0 where the line is not split.")
    decision_id: str
    part: str
    revision_id: str
    quantity: int
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    grams: int
    machine_minutes: int
    price: MoneyOut = Field(description="What the node is paid: production, without freight and duty.")
    produce_by: date
    shipping_service: str
    packaging: str
    ship_to_city: str
    ship_to_country: str
    promised_at: AwareDatetime
    dispatch_at: AwareDatetime | None = Field(
        description="Until when it waits, or waited, for others to share its build; null if it never did."
    )
    build_key: str | None = Field(description="Names the build that it shares with other jobs; equal keys, one build.")
    offered_at: AwareDatetime | None = Field(
        description="When it was put into its node's queue; null while it is planned, and if it ended before."
    )
    offer_until: AwareDatetime | None = Field(
        description="By when its node has to answer the offer: before its work must begin to be made in time, too."
    )
    lease: LeaseOut | None = Field(description="Who holds it now; null while nobody does.")
    accepted_at: AwareDatetime | None
    started_at: AwareDatetime | None = Field(description="When its node said that it prints.")
    inspected_at: AwareDatetime | None
    shipped_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    ended_at: AwareDatetime | None = Field(description="When it ended without a part.")
    end_reason: str = Field(description="Why it ended without a part; empty otherwise.")
    cancel_requested_at: AwareDatetime | None = Field(
        description="Since when its node is asked to stop; it answers with POST /v1/jobs/{id}/cancellation."
    )
    cancel_reason: str
    suspect_since: AwareDatetime | None = Field(description="Since when its node is silent beyond its lease.")
    first_article: bool = Field(description="Whether its first print is approved before the others are made.")
    first_article_approved_at: AwareDatetime | None
    held_at: AwareDatetime | None
    held_kind: str = Field(description="`gate` or `first_article`; empty unless it is held.")
    held_reason: str = Field(description="Which gates closed: nothing of the job is released or counted until then.")
    file_released_at: AwareDatetime | None = Field(description="When the node first fetched the print file.")
    good_prints: int
    failed_prints: int
    granted_reprints: int
    prints_left: int = Field(description="How often the node may still print.")
    updated_at: AwareDatetime


_AS_THEY_ARE = tuple(name for name in JobOut.model_fields if hasattr(JobView, name))
_IN_ORDER: dict[str, object] = dict.fromkeys(JobOut.model_fields)
_as_they_are = attrgetter(*_AS_THEY_ARE)


class TakeBackIn(RequestModel):
    """Why a job is taken from its node."""

    reason: Sentence = Field(description="For the node, and for the people who will ask why.")


def job_fields(job: JobView, *, to_holder: bool = False) -> dict[str, object]:
    """Return what ``JobOut`` says of a job, in its order; ``to_holder`` tells the id of its lease, too."""
    fields = _IN_ORDER.copy()
    fields.update(zip(_AS_THEY_ARE, _as_they_are(job), strict=True))
    fields["id"], fields["part"] = job.job_id, job.part_no
    fields["price"] = {"amount_minor": job.price_minor, "currency": CURRENCY}
    fields["offered_at"] = job.offered_at if job.known_to_node else None
    fields["lease"] = _lease_fields(job, to_holder=to_holder)
    return fields


def job_out(job: JobView, *, to_holder: bool = False) -> JobOut:
    """Return a job for an answer; ``to_holder`` tells the id of its lease, too."""
    return JobOut.model_validate(job_fields(job, to_holder=to_holder))


def _lease_fields(job: JobView, *, to_holder: bool) -> dict[str, object] | None:
    if job.lease_id is None or job.lease_until is None:
        return None
    lease_id = job.lease_id if to_holder else None
    return {"lease_id": lease_id, "epoch": job.lease_epoch, "until": job.lease_until, "kind": job.lease_kind}
