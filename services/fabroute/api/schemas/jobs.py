"""Jobs over the wire, as their node and their owner see them."""

from datetime import date

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import MoneyOut, RequestModel, ResponseModel, Sentence
from fabroute.kernel.money import Money
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
    offer_until: AwareDatetime | None = Field(description="By when its node has to answer the offer.")
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


class TakeBackIn(RequestModel):
    """Why a job is taken from its node."""

    reason: Sentence = Field(description="For the node, and for the people who will ask why.")


def lease_out(job: JobView, *, to_holder: bool) -> LeaseOut | None:
    """Return who holds a job; the lease's id is told to its holder only."""
    if job.lease_id is None or job.lease_until is None:
        return None
    lease_id = job.lease_id if to_holder else None
    return LeaseOut(lease_id=lease_id, epoch=job.lease_epoch, until=job.lease_until, kind=job.lease_kind)


def job_out(job: JobView, *, to_holder: bool = False) -> JobOut:
    """Return a job for an answer; ``to_holder`` tells the id of its lease, too."""
    return JobOut(
        id=job.job_id,
        state=job.state,
        node_id=job.node_id,
        order_id=job.order_id,
        order_line_id=job.order_line_id,
        share_no=job.share_no,
        decision_id=job.decision_id,
        part=job.part_no,
        revision_id=job.revision_id,
        quantity=job.quantity,
        machine_id=job.machine_id,
        material=job.material,
        parameter_set=job.parameter_set,
        lot_id=job.lot_id,
        grams=job.grams,
        machine_minutes=job.machine_minutes,
        price=MoneyOut.of(Money(amount_minor=job.price_minor)),
        produce_by=job.produce_by,
        shipping_service=job.shipping_service,
        packaging=job.packaging,
        ship_to_city=job.ship_to_city,
        ship_to_country=job.ship_to_country,
        promised_at=job.promised_at,
        dispatch_at=job.dispatch_at,
        build_key=job.build_key,
        offered_at=job.offered_at if job.known_to_node else None,
        offer_until=job.offer_until,
        lease=lease_out(job, to_holder=to_holder),
        accepted_at=job.accepted_at,
        started_at=job.started_at,
        inspected_at=job.inspected_at,
        shipped_at=job.shipped_at,
        delivered_at=job.delivered_at,
        ended_at=job.ended_at,
        end_reason=job.end_reason,
        cancel_requested_at=job.cancel_requested_at,
        cancel_reason=job.cancel_reason,
        suspect_since=job.suspect_since,
        first_article=job.first_article,
        first_article_approved_at=job.first_article_approved_at,
        held_at=job.held_at,
        held_kind=job.held_kind,
        held_reason=job.held_reason,
        file_released_at=job.file_released_at,
        good_prints=job.good_prints,
        failed_prints=job.failed_prints,
        granted_reprints=job.granted_reprints,
        prints_left=job.prints_left,
        updated_at=job.updated_at,
    )
