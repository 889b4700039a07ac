"""What is known of an order when its page is made: what the services answered, for somebody who may see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fabroute.inventory.service import DocumentView
from fabroute.network.service import NodeView
from fabroute.orders.service import LineView, OrderView
from fabroute.production.service import EvidenceView, JobOfLine
from fabroute.production.service.conformity.certificates import CertificateView
from fabroute.production.service.order_records import OrderAct
from fabroute.production.service.phases.countering import CounterOfferView
from fabroute.production.service.rerouting.timeline import TimelineEntry
from fabroute.production.service.shipping.views import ShipmentView
from fabroute.routing.service import DecisionSummary, DecisionView
from fabroute.routing.service.exclusions import LineExclusionView
from fabroute.routing.service.replays import ReplayView
from fabroute.webhooks.service.deliveries import AnsweredDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the one who looks may do with the order."""

    order: bool = False
    """Change it: route it otherwise, send lines on, cancel."""
    jobs: bool = False
    """Decide about its jobs."""
    cancel: bool = False
    """Cancel it: the owner alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Other terms on which a node would make a job, waiting for the owner."""

    counter: CounterOfferView
    until: datetime | None
    """When the line goes to another node by itself."""
    arrives_at: datetime
    """When it would be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """An order, one of its lines with the decision about it, and what belongs to them."""

    order: OrderView
    line: LineView
    part_name: str
    now: datetime
    rights: Rights
    decision: DecisionView | None
    summaries: Mapping[str, DecisionSummary] = field(default_factory=dict)
    """Decisions of the lines in short, by their ids."""
    jobs: Mapping[str, tuple[JobOfLine, ...]] = field(default_factory=dict)
    """By line."""
    nodes: Mapping[str, NodeView] = field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()
    """Of the line that is looked at."""
    ruled_out: tuple[LineExclusionView, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    next_entry: str = ""
    """Cursor of what happened after, as it stands in a URL; empty at the end."""
    documents: tuple[DocumentView, ...] = ()
    evidence: tuple[EvidenceView, ...] = ()
    certificates: tuple[CertificateView, ...] = ()
    shipments: tuple[ShipmentView, ...] = ()
    deliveries: tuple[AnsweredDelivery, ...] | None = None
    """``None`` for those who may not see webhooks."""
    acts: tuple[OrderAct, ...] | None = None
    """``None`` for those who may not see the audit log."""
    replay: ReplayView | None = None

    @property
    def line_jobs(self) -> tuple[JobOfLine, ...]:
        """The jobs of the line that is looked at."""
        return self.jobs.get(self.line.id, ())
