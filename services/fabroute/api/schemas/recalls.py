"""Recalls over the wire: the operator sees all, a node its own jobs, an owner its own parts."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Label, RequestModel, ResponseModel, Sentence
from fabroute.production.service.recall import RecallDocument, RecalledJob, RecallRequest, RecallView


class RecallIn(RequestModel):
    """Which material is recalled: a manufacturer's lot number in all stores, or one lot of a store."""

    supplier_lot: Label | None = Field(default=None, description="The manufacturer's lot number.", examples=["L-2291"])
    lot_id: Label | None = Field(default=None, description="Or the id of one lot.")
    material: Label | None = Field(
        default=None, description="With `supplier_lot`: only lots of this material.", examples=["PA12-MJF"]
    )
    reason: Sentence = Field(description="For owners, nodes and the papers of the parts.")


class RecalledLotOut(ResponseModel):
    """A lot that is blocked."""

    id: str
    node_id: str
    material: str
    remaining_grams: int = Field(description="What no job held when it was recalled.")
    state_before: str


class RecalledPrintOut(ResponseModel):
    """A print that was made of the material."""

    number: int = Field(description="1 for the first print of the job.")
    serial: str
    result: str = Field(description="`good` or `failed`.")
    scrapped: bool
    build_id: str | None


class RecalledJobOut(ResponseModel):
    """A job that draws from the material or was made of it."""

    job_id: str
    organisation_id: str = Field(description="The owner's.")
    node_id: str
    order_id: str
    order_line_id: str
    revision_id: str
    part_no: str
    machine_id: str
    lot_id: str
    quantity: int
    used_grams: int = Field(description="What its closed builds took of the material.")
    state: str = Field(description="When it was recalled.")
    outcome: str = Field(
        description="`rerouted` (its line goes to another lot or node), `held` (a person decides), `shipped` (its "
        "owner is told, its certificate withdrawn) or `ended` (before the recall)."
    )
    prints: list[RecalledPrintOut]


class RecalledBuildOut(ResponseModel):
    """A build of the material."""

    id: str
    node_id: str
    machine_id: str
    lot_id: str
    state: str


class RecalledPartyOut(ResponseModel):
    """An owner or a node that a recall touches, with how much of it."""

    id: str
    jobs: int
    unshipped_jobs: int
    shipped_jobs: int
    shipped_parts: int = Field(description="Good prints that are with customers, or on their way.")


class RecallOut(ResponseModel):
    """A recall with every build, print, order, owner and node that it touches, as far as it concerns you."""

    id: str | None = Field(description="Null of a dry run.")
    supplier_lot: str
    material: str = Field(description="Empty: any.")
    reason: str
    actor: str | None = Field(description="The API key's id; null to owners and nodes, unless it is their own.")
    recalled_at: AwareDatetime
    dry_run: bool
    repeated: bool = Field(description="Whether it had been made before, so that nothing was done now.")
    lots: list[RecalledLotOut]
    nodes: list[RecalledPartyOut]
    owners: list[RecalledPartyOut]
    orders: list[str]
    builds: list[RecalledBuildOut]
    jobs: list[RecalledJobOut]


def recall_request(asked: RecallIn, *, dry_run: bool) -> RecallRequest:
    """Return a recall as production takes it."""
    return RecallRequest(
        supplier_lot=asked.supplier_lot,
        lot_id=asked.lot_id,
        material=asked.material,
        reason=asked.reason,
        dry_run=dry_run,
    )


def recall_out(recall: RecallView, *, show_actor: bool) -> RecallOut:
    """Return a recall for an answer."""
    document = recall.document
    return RecallOut(
        id=recall.recall_id,
        supplier_lot=recall.supplier_lot,
        material=recall.material,
        reason=recall.reason,
        actor=recall.actor if show_actor else None,
        recalled_at=recall.recalled_at,
        dry_run=recall.recall_id is None,
        repeated=recall.repeated,
        lots=_lots(document),
        nodes=_parties((job.node_id, job) for job in document.jobs),
        owners=_parties((job.organisation_id, job) for job in document.jobs),
        orders=sorted({job.order_id for job in document.jobs}),
        builds=[
            RecalledBuildOut(
                id=it.build_id, node_id=it.node_id, machine_id=it.machine_id, lot_id=it.lot_id, state=it.state
            )
            for it in document.builds
        ],
        jobs=[_job_out(job) for job in document.jobs],
    )


def _lots(document: RecallDocument) -> list[RecalledLotOut]:
    return [
        RecalledLotOut(
            id=lot.lot_id,
            node_id=lot.node_id,
            material=lot.material,
            remaining_grams=lot.remaining_grams,
            state_before=lot.state_before,
        )
        for lot in document.lots
    ]


def _parties(jobs: Iterable[tuple[str, RecalledJob]]) -> list[RecalledPartyOut]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, job in jobs:
        shipped = job.outcome == "shipped"
        found[name]["jobs"] += 1
        found[name]["shipped_jobs" if shipped else "unshipped_jobs"] += job.outcome != "ended"
        found[name]["shipped_parts"] += job.good_prints if shipped else 0
    return [
        RecalledPartyOut(
            id=name,
            jobs=counts["jobs"],
            unshipped_jobs=counts["unshipped_jobs"],
            shipped_jobs=counts["shipped_jobs"],
            shipped_parts=counts["shipped_parts"],
        )
        for name, counts in sorted(found.items())
    ]


def _job_out(job: RecalledJob) -> RecalledJobOut:
    return RecalledJobOut(
        job_id=job.job_id,
        organisation_id=job.organisation_id,
        node_id=job.node_id,
        order_id=job.order_id,
        order_line_id=job.order_line_id,
        revision_id=job.revision_id,
        part_no=job.part_no,
        machine_id=job.machine_id,
        lot_id=job.lot_id,
        quantity=job.quantity,
        used_grams=job.used_grams,
        state=job.state,
        outcome=job.outcome,
        prints=[
            RecalledPrintOut(
                number=each.number,
                serial=each.serial,
                result=each.result,
                scrapped=each.scrapped,
                build_id=each.build_id,
            )
            for each in job.prints
        ],
    )
