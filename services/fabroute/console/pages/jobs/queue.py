"""The queue of a node, as its page shows it: what is to be answered, made, shipped, and what is stuck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fabroute.inventory.service import RevisionView
from fabroute.network.service import NodeView
from fabroute.production.service import JobView
from fabroute.production.service.overview import NodeStanding

PATH = "/console/jobs"
Group = Literal["offers", "stuck", "making", "shipping", "sent"]
OFFERED, BEGUN = ("offered",), ("countered", "held", "suspect", "accepted", "in_production", "inspected")
"""States of jobs that somebody still has to do something about."""
_TITLES: Mapping[Group, str] = {
    "offers": "Offers",
    "stuck": "Needs a look",
    "making": "To make",
    "shipping": "To ship",
    "sent": "On the way",
}
_GROUP_OF: Mapping[str, Group] = {
    "offered": "offers",
    "countered": "making",
    "held": "stuck",
    "suspect": "stuck",
    "accepted": "making",
    "in_production": "making",
    "inspected": "shipping",
    "shipped": "sent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCard:
    """A job in the queue."""

    job_id: str
    path: str
    name: str
    number: str
    """Part number and revision."""
    quantity: int
    state: str
    good_prints: int
    price_minor: int
    produce_by: date
    material: str
    grams: int
    machine_id: str
    answer_by: datetime | None
    """Of an offer: when it goes to another node."""
    note: str
    """What is special about it, in a few words; empty where nothing is."""
    can_answer: bool
    """Whether a person may accept it here: not where a client of the node has claimed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGroup:
    """Jobs of which the same is to be done."""

    key: Group
    title: str
    cards: tuple[JobCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChoice:
    """A node whose queue may be shown."""

    node_id: str
    label: str
    path: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """The queue of one node, and how the node does."""

    node_id: str
    title: str
    standing: NodeStanding | None
    """``None`` where there is no node."""
    groups: tuple[JobGroup, ...]
    choices: tuple[NodeChoice, ...]
    """Empty where there is no choice."""
    version: int
    """How far the queue has come: the page asks whether it went on."""
    has_more: bool

    @property
    def offers(self) -> int:
        """How many offers wait."""
        return sum(len(group.cards) for group in self.groups if group.key == "offers")


NO_NODE = QueuePage(node_id="", title="Jobs", standing=None, groups=(), choices=(), version=0, has_more=False)
"""The page of an organisation that has no node yet."""


def queue_path(node_id: str = "") -> str:
    """Return where a node's queue is; of whoever looks, without one."""
    return f"{PATH}?node={node_id}" if node_id else PATH


def job_path(job_id: str, step: str = "") -> str:
    """Return where a job is, or one of its steps."""
    return f"{PATH}/{job_id}" + (f"/{step}" if step else "")


def node_choices(nodes: Sequence[NodeView], *, chosen: str) -> tuple[NodeChoice, ...]:
    """Return the nodes that may be chosen; none where there is only one."""
    if len(nodes) < 2:
        return ()
    return tuple(
        NodeChoice(
            node_id=node.node_id,
            label=f"{node.city} · {node.node_id}",
            path=queue_path(node.node_id),
            is_chosen=node.node_id == chosen,
        )
        for node in nodes
    )


def groups_of(jobs: Sequence[JobView], revisions: Mapping[str, RevisionView], *, now: datetime) -> tuple[JobGroup, ...]:
    """Return jobs by what is to be done: offers by their clocks, the others by their last day of production."""
    found: dict[Group, list[JobCard]] = {}
    for job in sorted(jobs, key=_urgency):
        found.setdefault(group_of(job), []).append(card_of(job, revisions.get(job.revision_id), now=now))
    return tuple(
        JobGroup(key=key, title=title, cards=tuple(found[key])) for key, title in _TITLES.items() if key in found
    )


def group_of(job: JobView) -> Group:
    """Return where a job stands in the queue; one that its node is asked to stop needs a look."""
    return "stuck" if job.cancel_requested_at is not None else _GROUP_OF.get(job.state, "sent")


def card_of(job: JobView, revision: RevisionView | None, *, now: datetime) -> JobCard:
    """Return the card of a job."""
    is_offer = job.state == "offered"
    answer_by = (job.lease_until if job.lease_id else job.offer_until) if is_offer else None
    return JobCard(
        job_id=job.job_id,
        path=job_path(job.job_id),
        name=job.part_no if revision is None else revision.name,
        number=job.part_no if revision is None else f"{job.part_no} rev {revision.revision}",
        quantity=job.quantity,
        state="stop" if job.cancel_requested_at is not None else job.state,
        good_prints=job.good_prints,
        price_minor=job.price_minor,
        produce_by=job.produce_by,
        material=job.material,
        grams=job.grams,
        machine_id=job.machine_id,
        answer_by=answer_by,
        note=_note(job),
        can_answer=is_offer and not job.lease_id and (job.offer_until is None or job.offer_until > now),
    )


def _note(job: JobView) -> str:
    if job.cancel_requested_at is not None:
        return f"You are asked to stop: {job.cancel_reason}"
    if job.state == "held":
        return job.held_reason
    if job.state == "suspect":
        return "No sign of life from you: say that you are still at it"
    if job.lease_kind in ("claim", "offline"):
        return "Your own program holds this job"
    return "First article: one part first, the rest once it is approved" if job.first_article else ""


def _urgency(job: JobView) -> tuple[date, float, str]:
    clock = job.offer_until or job.offered_at
    return (job.produce_by if job.state != "offered" else date.min, clock.timestamp(), job.job_id)
