"""What the events say: one model for each form of ``data``. Fields are only ever added to a version."""

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

OWNER_ONLY = "x-owner-only"
"""Marks a field that the owner of a part is told and its bureau isn't: null in the bureau's feed."""


def _own(description: str) -> Any:
    return Field(default=None, description=f"{description} Null for a bureau.", json_schema_extra={OWNER_ONLY: True})


class EventMoney(BaseModel):
    """An amount in whole cents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount_minor: int
    currency: str


class EventData(BaseModel):
    """The facts of an event."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RestoredData(EventData):
    """The installation was brought back from a backup."""

    snapshot_at: AwareDatetime = Field(
        description="Everything is as it was then. What you sent since is gone: send it again, with the same "
        "Idempotency-Key: what was there already is answered as before."
    )
    restored_at: AwareDatetime


class OrderEventData(EventData):
    """An order came to a state."""

    order_id: str
    order_reference: str | None = Field(description="Yours, from the order.")
    state: str


class RoutedLineData(EventData):
    """A line of an order, when the event was told."""

    position: int
    part: str
    quantity: int
    state: str
    state_reason: str = Field(description="Why it has no route, or waits for a person; empty otherwise.")
    promised_at: AwareDatetime | None = Field(description="When it arrives, as promised.")
    promised: EventMoney | None = Field(description="What it costs you, landed.")


class OrderRoutedData(OrderEventData):
    """An order was routed, or could not be, with its lines: the first fifty of them."""

    line_count: int
    lines: list[RoutedLineData]


class PromiseData(EventData):
    """A line came to another place."""

    order_id: str
    order_reference: str | None = Field(description="Yours, from the order.")
    order_line_id: str
    position: int
    cause: str = Field(description="Why its job left its node.")
    outcome: str = Field(description="`kept`, or what became of the promise: `late`, `dearer`, `unroutable` …")
    from_node_id: str | None
    to_node_id: str | None
    promised_at: AwareDatetime | None
    arrives_at: AwareDatetime | None
    promised: EventMoney | None
    landed: EventMoney | None = Field(description="What it costs now.")
    reason: str | None


class JobEventData(EventData):
    """Something happened to a job."""

    job_id: str
    node_id: str
    order_id: str | None
    order_reference: str | None = _own("Yours, from the order.")
    order_line_id: str | None
    part: str | None
    revision_id: str | None
    quantity: int | None = Field(description="How many parts the job makes.")
    price: EventMoney | None = Field(description="What the node is paid, without freight and duty.")
    produce_by: date | None
    state: str | None = Field(description="What the job came to; null where that did not change.")


class JobReasonData(JobEventData):
    """Something happened to a job, for a reason."""

    reason: str | None


class JobClaimedData(JobEventData):
    """A client of the node claimed a job."""

    epoch: int


class CounterOfferData(JobEventData):
    """A counter-offer: another price, another day."""

    counter_id: str | None
    countered: EventMoney | None = Field(description="The price that the node asks.")
    countered_produce_by: date | None
    waits_because: str | None = Field(description="Why the owner has to decide; empty if it is within the band.")


class JobOfflineData(JobEventData):
    """A node works on without a connection for some hours."""

    hours: int


class SuspicionData(JobReasonData):
    """What a person decided about a job whose node fell silent."""

    decision: str


class LateReportData(JobEventData):
    """Something was reported under a lease that was over."""

    reconciliation_id: str
    what: str
    reported_quantity: int | None
    epoch: int | None


class PrintReportData(JobEventData):
    """A print was reported, or scrapped."""

    print_number: int
    result: Literal["good", "failed"] | None = None
    reason: str | None = None


class FirstArticleData(JobEventData):
    """A first article was sent in, approved or refused."""

    print_number: int
    reason: str | None
    note: str | None
    evidence_ids: list[str]


class InspectionData(JobEventData):
    """An inspection was reported."""

    inspection_id: str
    level: str
    result: str
    print_number: int | None


class JobShippedData(JobEventData):
    """All of a job is on its way, or has arrived."""

    arrived_quantity: int | None = Field(description="How many parts arrived; null while none did.")
    lost_quantity: int | None = Field(description="How many were lost on their way.")
    reason: str | None


class NoteEventData(EventData):
    """A node told an owner something about a part."""

    note_id: str
    job_id: str
    node_id: str
    order_id: str | None
    order_reference: str | None = _own("Yours, from the order.")
    part: str | None


class ReprintData(EventData):
    """A node asked to print once more, or was answered."""

    reprint_request_id: str
    job_id: str
    node_id: str
    order_id: str | None
    order_reference: str | None = _own("Yours, from the order.")
    part: str | None


class BuildEventData(EventData):
    """Something happened to a build with jobs of yours in it."""

    build_id: str
    node_id: str
    job_count: int = Field(description="How many of its jobs are yours.")


class ShipmentEventData(EventData):
    """Something happened to a shipment."""

    shipment_id: str
    job_id: str
    node_id: str | None
    order_id: str
    order_reference: str | None = _own("Yours, from the order.")
    order_line_id: str | None
    part: str | None
    quantity: int | None = Field(description="How many parts are in it.")
    state: str
    carrier: str | None
    tracking_number: str | None


class ConformityData(EventData):
    """A certificate of conformity was issued or withdrawn."""

    certificate_id: str
    job_id: str
    node_id: str | None
    order_id: str | None
    order_reference: str | None = _own("Yours, from the order.")
    part: str | None
    reason: str | None


class RecallData(EventData):
    """Parts of yours were made of recalled material."""

    recall_id: str
    supplier_lot: str
    reason: str
    job_count: int
    part_count: int = Field(description="How many parts are at your customers, or on their way.")


class RecallOpenedData(EventData):
    """Material was recalled."""

    recall_id: str
    supplier_lot: str
    reason: str
    lot_count: int
    job_count: int


class RevisionEventData(EventData):
    """A revision came to a state."""

    revision_id: str
    part: str
    state: str


class PrintFileEventData(EventData):
    """Something happened to an uploaded file."""

    submission_id: str
    revision_id: str


class LicenceEventData(EventData):
    """Something happened to a print licence."""

    licence_id: str
    revision_id: str
    node_ids: list[str] = Field(description="The nodes that it names; none: it names no node.")
    unprinted: int
    reason: str | None


class LotEventData(EventData):
    """Something happened to a material lot in a store of yours."""

    lot_id: str
    node_id: str
    material: str
    supplier_lot: str | None
    state_before: str
    grams: int
    note: str


class PolicyEventData(EventData):
    """A routing policy was stated."""

    policy_id: str


class ScreeningEventData(EventData):
    """A list of spare parts was judged."""

    screening_id: str


class ShadowRunEventData(EventData):
    """A shadow run or a replay is done."""

    shadow_run_id: str


class ReadinessEventData(EventData):
    """What can be made now has changed since the report before."""

    report_id: str
    part_count: int
    parts: list[str] = Field(description="Their numbers, the first fifty.")


class PersonEventData(EventData):
    """Something about a person of your organisation."""

    person_id: str
    role: str


class EndpointEventData(EventData):
    """Something about a webhook endpoint of yours."""

    endpoint_id: str
    url: str
    cause: str | None = Field(default=None, description="`gone` (it answered 410), `failing` or `owner`.")
    reason: str | None = None
