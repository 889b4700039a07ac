"""The table of production jobs, and what their nodes and owners say about them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant


class Job(SQLModel, table=True):
    """Work for one node: print this revision so many times, from this lot, by this day. Never a Celery job."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_queue", "node_id", "state", "id"),
        Index("ix_jobs_node", "node_id", "id"),
        Index(
            "uq_jobs_one_live_dispatch",
            "order_line_id",
            "share_no",
            unique=True,
            postgresql_where=text("state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')"),
        ),
        Index(
            "ix_jobs_claimable",
            "node_id",
            "produce_by",
            "id",
            postgresql_where=text("state = 'offered' AND lease_id IS NULL"),
        ),
        Index("ix_jobs_leased", "lease_until", postgresql_where=text("lease_until IS NOT NULL")),
        Index("ix_jobs_unanswered", "offer_until", postgresql_where=text("state IN ('offered', 'countered')")),
        Index("ix_jobs_lot", "lot_id", "organisation_id"),
        Index("ix_jobs_revision", "revision_id", "node_id"),
        Index("ix_jobs_owner", "organisation_id", "id"),
        Index("ix_jobs_owner_part", "organisation_id", "part_no", "node_id"),
        Index("ix_jobs_owner_node", "organisation_id", "node_id"),
        Index("ix_jobs_held", "id", postgresql_where=text("state = 'held'")),
        Index("ix_jobs_waiting", "organisation_id", "id", postgresql_where=text("state IN ('held', 'suspect')")),
        Index("ix_jobs_planned", "dispatch_at", postgresql_where=text("state = 'planned'")),
        Index("ix_jobs_learnt_from", "machine_id", "parameter_set"),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    """The owner whose part it is."""
    node_id: str = Field(foreign_key="nodes.id")
    order_id: str = Field(index=True)
    order_line_id: str
    share_no: int = 0
    """Which part of a split line; 0 where the line is not split."""
    decision_id: str
    revision_id: str
    part_no: str
    quantity: int
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None = None
    grams: int
    machine_minutes: int
    price_minor: int
    """What the node is paid: production only, without freight and duty."""
    produce_by: date
    shipping_service: str
    packaging: str
    ship_to_city: str
    ship_to_country: str
    promised_at: datetime = Field(sa_column=instant())
    state: str
    """One of ``fabroute.production.states``."""
    dispatch_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Until when a planned job waits for others that share its build; its node sees it from then on."""
    build_key: str | None = None
    """Names the shared build that it is planned in: equal keys, one build."""
    offered_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())
    version: int = 1
    fence: int = 0
    """Counts up when the job changes hands or is held: what was given out under an older one is void."""
    offer_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """By when its node has to answer the offer."""
    offer_rounds: int = 0
    """How often a claim of it lapsed unanswered and it was put back into the queue."""
    nudged_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When its node was last reminded."""
    lease_id: str | None = None
    """Who holds the job now: every write of its node names it. None while nobody has claimed it."""
    lease_kind: str = ""
    """``claim`` (a client that sends heartbeats), ``hand`` (a person, who needs none) or ``offline``; empty: none."""
    lease_epoch: int = 0
    """The fence under which the lease was given: it stays as long as the lease does."""
    lease_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    claimed_by: str | None = None
    claimed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    started_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When its node said that it prints."""
    inspected_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    shipped_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    delivered_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When it was declined, lapsed, failed or was cancelled."""
    end_reason: str = ""
    cancel_requested_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Since when its node is asked to stop; it agrees, or refuses."""
    cancel_reason: str = ""
    cancel_cause: str = ""
    """The cause of the re-route that waits for the answer; empty: the order is to be cancelled."""
    cancel_agreed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When its node agreed; it ends with the other jobs of its order."""
    suspect_since: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    suspect_from: str | None = None
    """The state that it was in when its node fell silent."""
    accepted_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    accepted_by: str | None = None
    held_from: str | None = None
    """The state that it was in when it was held."""
    held_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    held_reason: str = ""
    held_kind: str = ""
    """``gate`` or ``first_article``; empty unless it is held."""
    first_article: bool = False
    """Whether its first print has to be approved by the owner before the others are made."""
    first_article_submitted_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When its node last asked the owner to approve the first print."""
    first_article_evidence_id: str | None = None
    """The evidence that it named then."""
    first_article_approved_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    file_released_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When its node first fetched the print file."""
    good_prints: int = 0
    failed_prints: int = 0
    granted_reprints: int = 0
    scrapped_prints: int = 0
    """Of the failed prints, those that were reported good first."""
    used_grams: int | None = None
    """What its builds really took, once they are closed."""

    @property
    def known_to_node(self) -> bool:
        """Whether its node was told of it: not while it is planned, nor if it ended before it was offered."""
        return self.dispatch_at is None or self.offered_at >= self.dispatch_at


class CounterOffer(SQLModel, table=True):
    """A node would make the job at another price or by another day; the owner's band or the owner decides."""

    __tablename__ = "counter_offers"
    __table_args__ = (
        Index("ix_counter_offers_owner", "organisation_id", "id"),
        Index("ix_counter_offers_open", "organisation_id", "id", postgresql_where=text("state = 'open'")),
        Index("uq_counter_offers_one_open", "job_id", unique=True, postgresql_where=text("state = 'open'")),
    )

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", index=True)
    organisation_id: str
    """The owner's, who decides."""
    node_id: str
    price_minor: int
    offered_price_minor: int
    """What the job was offered at."""
    produce_by: date
    offered_produce_by: date
    reason: str = ""
    state: str = "open"
    """``open``, ``accepted``, ``refused`` or ``lapsed``."""
    automatic: bool = False
    """Whether the owner's band decided, not a person."""
    proposed_by: str
    proposed_at: datetime = Field(sa_column=instant())
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    decision_reason: str = ""


class ProductionPolicy(SQLModel, table=True):
    """What an owner lets happen without being asked."""

    __tablename__ = "production_policies"

    organisation_id: str = Field(primary_key=True, foreign_key="organisations.id")
    counter_price_fraction: float = 0.0
    """Counter-offers up to this share over the offered price are accepted at once."""
    counter_days: int = 0
    """And up to so many days later than offered, if the promise to the customer still holds."""
    hold_not_manufacturable: bool = False
    """Whether a revision is put on hold when a node says that it can't be made."""
    version: int = 1
    updated_by: str
    updated_at: datetime = Field(sa_column=instant())


class OwnerNote(SQLModel, table=True):
    """Something that a node told the owner of a part, such as that it can't be manufactured."""

    __tablename__ = "owner_notes"
    __table_args__ = (
        Index("ix_owner_notes_owner", "organisation_id", "id"),
        Index("ix_owner_notes_open", "organisation_id", "id", postgresql_where=text("state = 'open'")),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    job_id: str = Field(foreign_key="jobs.id", index=True)
    node_id: str
    revision_id: str
    part_no: str
    kind: str
    """``not_manufacturable`` or ``message``."""
    text: str
    revision_held: bool = False
    state: str = "open"
    """``open`` or ``closed``."""
    opened_by: str
    opened_at: datetime = Field(sa_column=instant())
    closed_by: str | None = None
    closed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    resolution: str = ""


class JobReport(SQLModel, table=True):
    """One numbered report of a node's client about a job: applied in the order of the numbers, each once."""

    __tablename__ = "job_reports"

    job_id: str = Field(primary_key=True, foreign_key="jobs.id")
    lease_id: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    name: str
    occurred_at: datetime = Field(sa_column=instant())
    """By the clock of the node."""
    data: dict[str, Any] = Field(sa_column=document())
    sha256: str
    """Of name, time and data: the same number with other content is refused."""
    state: str
    """``waiting`` for the ones before it, ``applied`` or ``refused``."""
    reason: str = ""
    received_at: datetime = Field(sa_column=instant())


class Reconciliation(SQLModel, table=True):
    """Something physical that was reported under a lease that was over: a part may exist twice. A person looks."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        Index("ix_reconciliations_owner", "organisation_id", "id"),
        Index("ix_reconciliations_open", "organisation_id", "id", postgresql_where=text("state = 'open'")),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    """The owner's."""
    job_id: str = Field(foreign_key="jobs.id", index=True)
    order_id: str
    order_line_id: str
    node_id: str
    kind: str
    """``physical_duplicate`` or ``late_report``."""
    what: str
    """What was reported: ``print``, ``shipment``, ``start`` …"""
    quantity: int = 0
    """Parts that exist beside those ordered, as far as was reported."""
    lease_id: str
    epoch: int
    current_epoch: int
    reported: dict[str, Any] = Field(sa_column=document())
    reported_by: str
    reported_at: datetime = Field(sa_column=instant())
    state: str = "open"
    """``open`` or ``closed``."""
    closed_by: str | None = None
    closed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    resolution: str = ""


class Reroute(SQLModel, table=True):
    """A job was taken from its node and its line sent to routing again: why, and what became of the promise."""

    __tablename__ = "reroutes"
    __table_args__ = (
        Index("ix_reroutes_order", "order_id", "id"),
        Index(
            "ix_reroutes_by_people", "organisation_id", "id", postgresql_where=text("cause IN ('owner', 'operator')")
        ),
        Index("ix_reroutes_open", "order_line_id", postgresql_where=text("settled_at IS NULL")),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    order_id: str
    order_line_id: str
    share_no: int = 0
    job_id: str
    node_id: str
    quantity: int
    cause: str
    """One of ``fabroute.production.rules.REROUTE_CAUSES``."""
    detail: str
    actor: str
    rerouted_at: datetime = Field(sa_column=instant())
    promised_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """What the customer was promised before."""
    promised_minor: int | None = None
    settled_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When routing had decided again."""
    outcome: str = ""
    """``kept``, ``late``, ``dearer``, ``late_and_dearer``, ``no_route``, ``parked`` or ``cancelled``; empty: open."""
    decision_id: str | None = None
    arrives_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    landed_minor: int | None = None
