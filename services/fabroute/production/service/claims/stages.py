"""A node's queue by what is to be done: a page of each stage, the most urgent first, in a few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Literal, get_args

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.network.service.queues import QueuePosition
from fabroute.network.service.queues import find_queue as find_position
from fabroute.production.models import Job
from fabroute.production.repository import claims as claim_rows
from fabroute.production.repository import stages as stage_rows
from fabroute.production.repository.claims import QueueFilter
from fabroute.production.repository.stages import Place, StageWindow
from fabroute.production.service.claims.listing import qualified, visible
from fabroute.production.service.views import JobView, job_view

Stage = Literal["offers", "stuck", "making", "shipping"]
STAGE_OF: Mapping[str, Stage] = MappingProxyType(
    {
        "offered": "offers",
        "held": "stuck",
        "suspect": "stuck",
        "countered": "making",
        "accepted": "making",
        "in_production": "making",
        "inspected": "shipping",
    }
)
"""The stage of each state in which somebody still has to do something; a job that is to be stopped is stuck."""
MOST_OF_A_STATE = 1_000
"""So many jobs of a state are counted and put in order; a node that has more sees the oldest of them."""
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePage:
    """Some jobs of a stage."""

    jobs: tuple[JobView, ...] = ()
    total: int = 0
    """In the stage, on this page and on others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """A queue in stages, and how far it had come just before it was read; stages without jobs are left out."""

    pages: Mapping[Stage, StagePage]
    position: QueuePosition


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedStages:
    """Which jobs of a node's queue are wanted: ``limit`` of each stage from place ``first`` on, or of one only."""

    node_id: str
    limit: int
    first: int = 0
    only: Stage | None = None


def list_stages(session: Session, *, principal: Principal, asked: AskedStages, now: datetime) -> Stages:
    """Return a queue as ``list_queue`` does, in stages: offers by their clocks, work by its last day of production.

    Raises ``UnknownNode``, also to a bureau that asks for a rival's queue.
    """
    position = find_position(session, node_id=asked.node_id)
    wanted = visible(principal, QueueFilter(node_id=asked.node_id), position)
    window = StageWindow(first=asked.first, limit=asked.limit, most=MOST_OF_A_STATE)
    places = stage_rows.read_stages(session, wanted, stages=STAGE_OF, stopped="stuck", only=asked.only, window=window)
    jobs = claim_rows.read_named(session, [place.job_id for place in places]) if places else []
    if position.organisation_id == principal.organisation_id:
        jobs = qualified(session, jobs, today=now.date())
    return Stages(pages=_pages(places, {job.id: job for job in jobs}), position=position)


def _pages(places: Sequence[Place], jobs: Mapping[str, Job]) -> Mapping[Stage, StagePage]:
    """Return the pages without the offers that may not be shown now."""
    found: dict[Stage, StagePage] = {}
    for stage, group in groupby(places, key=lambda place: place.stage):
        there = list(group)
        shown = tuple(job_view(jobs[place.job_id]) for place in there if place.job_id in jobs)
        total = there[0].total - (len(there) - len(shown))
        if total:
            found[next(it for it in STAGES if it == stage)] = StagePage(jobs=shown, total=total)
    return found
