"""The queue of a node, as its page shows it: what is to be answered, made, shipped, and what is stuck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fabroute.inventory.service import RevisionView
from fabroute.network.service import NodeView
from fabroute.production.service import JobView
from fabroute.production.service.claims import Stage, StagePage
from fabroute.production.service.overview import NodeStanding

PATH = "/console/jobs"
SHOWN, MOST = 20, 50
"""Jobs of each stage beside the others; of a stage by itself, on one page."""
TITLES: Mapping[Stage, str] = {
    "offers": "Offers",
    "stuck": "Needs a look",
    "making": "To make",
    "shipping": "To ship",
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
    is_late: bool
    """Whether that day is over, and the job is still to be made or shipped."""
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

    key: Stage
    title: str
    cards: tuple[JobCard, ...]
    total: int
    """On this page and others."""
    path: str
    """Where all of them are."""
    first: int = 0
    """The place of the first card."""

    @property
    def left(self) -> int:
        """How many are on other pages."""
        return self.total - len(self.cards)

    @property
    def words(self) -> str:
        """Which of them are on the page: ``51 to 100 of 180``."""
        return f"{self.first + 1:,} to {self.first + len(self.cards):,} of {self.total:,}"

    @property
    def next_path(self) -> str:
        """Where the next ones are; empty on the last page."""
        following = self.first + MOST
        return f"{self.path}&first={following}" if following < self.total else ""


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
    path: str = PATH
    """Where this page is."""
    only: str = ""
    """The title of the only stage that is shown, a page at a time; empty where all of them are."""

    @property
    def queue_path(self) -> str:
        """Where the whole queue of the node is."""
        return queue_path(self.node_id)

    @property
    def news_path(self) -> str:
        """Where the page asks whether the queue went on."""
        return f"{self.path}&seen={self.version}"

    @property
    def offers(self) -> int:
        """How many offers wait."""
        return sum(group.total for group in self.groups if group.key == "offers")


NO_NODE = QueuePage(node_id="", title="Jobs", standing=None, groups=(), choices=(), version=0)
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


def stage_path(node_id: str, stage: Stage, first: int = 0) -> str:
    """Return where the jobs of one stage are, from a place on."""
    return f"{queue_path(node_id)}&stage={stage}" + (f"&first={first}" if first else "")


def groups_of(
    node_id: str,
    pages: Mapping[Stage, StagePage],
    revisions: Mapping[str, RevisionView],
    *,
    now: datetime,
    first: int = 0,
) -> tuple[JobGroup, ...]:
    """Return the stages of a queue that have jobs, as the page shows them from place ``first`` on."""
    return tuple(
        JobGroup(
            key=stage,
            title=title,
            cards=tuple(card_of(job, revisions.get(job.revision_id), now=now) for job in pages[stage].jobs),
            total=pages[stage].total,
            path=stage_path(node_id, stage),
            first=first,
        )
        for stage, title in TITLES.items()
        if stage in pages
    )


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
        is_late=not is_offer and job.produce_by < now.date(),
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
