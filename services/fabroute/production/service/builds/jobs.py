"""What there is to know of a job that is put into a build: its size, its company, and what of it is to be made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlmodel import Session

from fabroute.estimation.calibration import Evidence
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates, PartGeometry
from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView
from fabroute.network import service as network
from fabroute.network.service import NodeDetail, NodeView, OfferView
from fabroute.production.models import Job
from fabroute.production.repository import builds as rows
from fabroute.production.repository.builds import BuildCounts
from fabroute.production.rules import attempts_left
from fabroute.production.service.build_times import OfferGone
from fabroute.production.service.geometry import part_geometry
from fabroute.routing.service.companies import PartInBuild, company_of
from fabroute.routing.service.policies import policy_for, read_policies


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Bench:
    """Where jobs have to agree to be made in one build."""

    machine_id: str
    material: str
    parameter_set: str
    lot_id: str
    company: str
    """Equal where parts may be made together: see ``routing.service.companies``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """The machine, material and figures that a build stands on."""

    machine: MachineModelFacts
    material: MaterialFacts
    rates: NodeRates
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BuildJob:
    """A job that its node may print, with what decides about its builds."""

    job: Job
    part: PartGeometry
    company: str
    in_open: int
    """Prints in builds that are planned or running."""
    in_closed: int
    """Prints in builds that are over, whether or not they were reported one by one."""

    @property
    def bench(self) -> Bench:
        """Where it can be made."""
        job = self.job
        return Bench(
            machine_id=job.machine_id,
            material=job.material,
            parameter_set=job.parameter_set,
            lot_id=job.lot_id or "",
            company=self.company,
        )

    @property
    def waits_for_first_article(self) -> bool:
        """Whether only one print of it may be made until its owner has approved that one."""
        return waits_for_first_article(self.job)

    @property
    def to_build(self) -> int:
        """How many prints of it can still be put into builds."""
        return prints_to_build(self.job, in_open=self.in_open, in_closed=self.in_closed)


def prints_to_build(job: Job, *, in_open: int, in_closed: int) -> int:
    """Return how many prints of a job can still be put into builds: of one that waits for its first article, one."""
    missing = prints_missing(job, in_closed=in_closed)
    if waits_for_first_article(job):
        missing = min(missing, 1 - job.good_prints - _unreported(job, in_closed))
    return max(0, missing - in_open)


def prints_missing(job: Job, *, in_closed: int) -> int:
    """Return how many prints are missing to a job's quantity, as far as it may try.

    Those of builds that are over count, whether or not they were reported one by one yet.
    """
    tries = attempts_left(
        quantity=job.quantity,
        granted_reprints=job.granted_reprints,
        good_prints=job.good_prints,
        failed_prints=job.failed_prints,
    )
    return max(0, min(job.quantity - job.good_prints, tries) - _unreported(job, in_closed))


def _unreported(job: Job, in_closed: int) -> int:
    return max(0, in_closed - job.good_prints - job.failed_prints)


def waits_for_first_article(job: Job) -> bool:
    """Return whether only one print of a job may be made until its owner has approved that one."""
    return job.first_article and job.first_article_approved_at is None


def build_jobs(session: Session, jobs: Sequence[Job], *, without: str | None = None) -> dict[str, BuildJob]:
    """Return what there is to know of jobs, by id; the prints in the build ``without`` count as free.

    Raises ``RevisionNotMeasured``, which no job that was routed can be.
    """
    revisions = inventory.read_revisions(session, revision_ids=[job.revision_id for job in jobs])
    policies = read_policies(session, organisation_ids={job.organisation_id for job in jobs})
    counts = rows.count_parts(session, [job.id for job in jobs], without=without)
    return {
        job.id: BuildJob(
            job=job,
            part=part_geometry(revisions[job.revision_id]),
            company=_company(job, revisions[job.revision_id], counts, policy_for(policies, job.organisation_id)),
            in_open=counts[job.id].in_open,
            in_closed=counts[job.id].in_closed,
        )
        for job in jobs
    }


class _Sharing(Protocol):
    """What an owner's policy says of builds."""

    @property
    def share_builds(self) -> bool:
        """Whether others may be in one build with its parts."""


def _company(job: Job, revision: RevisionView, counts: Mapping[str, BuildCounts], policy: _Sharing) -> str:
    """Return with whom a job may be made; a first article is made alone, so that its evidence is of its own build."""
    if waits_for_first_article(job):
        return f"first article of {job.id}"
    return company_of(
        PartInBuild(
            organisation_id=job.organisation_id,
            export_class=revision.export_class,
            sector=revision.sector,
            criticalities=frozenset({counts[job.id].criticality, revision.criticality}),
            certificates=frozenset(revision.required_certificates),
            packaging=frozenset({job.packaging, revision.packaging}),
            part_qualification=revision.part_qualification,
            may_share=policy.share_builds,
        )
    )


class Workshop:
    """A node with the figures of its machines, as they are on a day."""

    def __init__(self, session: Session, *, node_id: str, on: date) -> None:
        self.node: NodeDetail = network.get_node(session, node_id=node_id, on=on)

    def workbench(self, bench: Bench) -> Workbench:
        """Return what builds at a bench stand on. Raises ``OfferGone`` where the node does not print that any more."""
        for offer in self.node.offers:
            if (offer.machine_id, offer.material.code) == (bench.machine_id, bench.material):
                return _workbench(self.node, offer)
        raise OfferGone(
            f"{self.node.node_id} does not print {bench.material} on {bench.machine_id} any more: ask the operator"
        )


def _workbench(node: NodeView, offer: OfferView) -> Workbench:
    return Workbench(
        machine=network.machine_facts(offer.model),
        material=network.material_facts(offer.material),
        rates=network.rates_of(node, offer, grid_g_per_kwh=0),
        evidence=network.evidence_of(offer),
    )
