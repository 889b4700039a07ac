"""Jobs and what belongs to them, as their owner and their node see them."""

from dataclasses import dataclass
from datetime import date, datetime

from fabroute.production.models import Job, JobEvidence, PrintRecord, ReprintRequest
from fabroute.production.rules import attempts_left
from fabroute.production.states import WORKING_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as its owner and its node see it; money in cents, ``price_minor`` without freight and duty."""

    job_id: str
    organisation_id: str
    node_id: str
    order_id: str
    order_line_id: str
    share_no: int
    """Which part of a split line; 0 where the line is not split."""
    decision_id: str
    revision_id: str
    part_no: str
    quantity: int
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    grams: int
    machine_minutes: int
    price_minor: int
    produce_by: date
    shipping_service: str
    packaging: str
    ship_to_city: str
    ship_to_country: str
    promised_at: datetime
    state: str
    dispatch_at: datetime | None
    """Until when a planned job waits for others that share its build."""
    build_key: str | None
    """Names the shared build that it is planned in."""
    offered_at: datetime
    updated_at: datetime
    version: int
    fence: int
    """Counts up when the job is accepted, held, resumed or cancelled: tickets and leases of an older one are void."""
    offer_until: datetime | None
    """By when its node has to answer the offer."""
    offer_rounds: int
    nudged_at: datetime | None
    lease_id: str | None
    """Who holds the job now; for its node only."""
    lease_kind: str
    """``claim``, ``hand`` or ``offline``; empty while nobody has claimed it."""
    lease_epoch: int
    lease_until: datetime | None
    claimed_by: str | None
    claimed_at: datetime | None
    started_at: datetime | None
    inspected_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    cancel_requested_at: datetime | None
    cancel_reason: str
    cancel_cause: str
    cancel_agreed_at: datetime | None
    suspect_since: datetime | None
    suspect_from: str | None
    accepted_at: datetime | None
    accepted_by: str | None
    held_from: str | None
    held_at: datetime | None
    held_reason: str
    held_kind: str
    """``gate`` or ``first_article``; empty unless it is held."""
    first_article: bool
    """Whether its first print has to be approved by the owner before the others are made."""
    first_article_submitted_at: datetime | None
    """When its node last asked the owner to approve the first print."""
    first_article_evidence_id: str | None
    first_article_approved_at: datetime | None
    file_released_at: datetime | None
    """When its node first fetched the print file."""
    good_prints: int
    failed_prints: int
    granted_reprints: int
    scrapped_prints: int
    used_grams: int | None

    @property
    def known_to_node(self) -> bool:
        """Whether it was ever offered to its node: not while it is planned, nor if it ended before."""
        return self.dispatch_at is None or self.offered_at >= self.dispatch_at

    @property
    def started(self) -> bool:
        """Whether the node has the file or has printed: nobody but a person may take the job from it."""
        return (
            self.file_released_at is not None
            or self.started_at is not None
            or self.good_prints + self.failed_prints > 0
        )

    @property
    def prints_left(self) -> int:
        """How often the node may still print: the quantity and granted reprints, less what was printed.

        One print at most until the owner has approved a first article, none while it waits.
        """
        most = self.quantity + self.granted_reprints
        if self.first_article and self.first_article_approved_at is None:
            most = max(0, 1 - self.good_prints)
        left = attempts_left(
            quantity=self.quantity,
            granted_reprints=self.granted_reprints,
            good_prints=self.good_prints,
            failed_prints=self.failed_prints,
        )
        return min(left, most)

    @property
    def file_available(self) -> bool:
        """Whether the node may ask for a file ticket, as far as the job itself tells; gates are checked then."""
        return self.state in WORKING_STATES and self.prints_left > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """A photo, measurement or report about a job; its content is in the store under its SHA-256."""

    evidence_id: str
    job_id: str
    kind: str
    """``photo``, ``measurement``, ``report`` or ``other``."""
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintView:
    """One print of a job."""

    job_id: str
    number: int
    """1 for the first print of the job."""
    result: str
    """``good`` or ``failed``."""
    serial: str
    note: str
    evidence_id: str | None
    reported_by: str
    reported_at: datetime
    build_id: str | None
    scrapped_at: datetime | None
    scrapped_by: str | None
    scrap_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReprintView:
    """A node's wish to print once more after a failed print, and what the owner said."""

    request_id: str
    job_id: str
    organisation_id: str
    """The owner's, who decides."""
    print_number: int
    """The failed print that it is for."""
    reason: str
    evidence_id: str
    state: str
    """``requested``, ``granted`` or ``refused``."""
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str


def job_view(job: Job) -> JobView:
    """Return the view of a job."""
    columns = job.model_dump()
    return JobView(job_id=columns.pop("id"), **columns)


def evidence_view(evidence: JobEvidence) -> EvidenceView:
    """Return the view of a piece of evidence."""
    columns = evidence.model_dump()
    return EvidenceView(evidence_id=columns.pop("id"), **columns)


def print_view(record: PrintRecord) -> PrintView:
    """Return the view of a print."""
    return PrintView(**record.model_dump())


def reprint_view(request: ReprintRequest) -> ReprintView:
    """Return the view of a reprint request."""
    columns = request.model_dump()
    return ReprintView(request_id=columns.pop("id"), **columns)
