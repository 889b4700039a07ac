"""What is recalled, and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Self

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.repository.recalls import AffectedBuild, AffectedJob, AffectedPrint


class UnknownRecall(DomainError):
    """There is no such recall, or it touches nothing of yours."""

    code = "unknown_recall"
    status = 404


class NothingToRecall(DomainError):
    """No store that you may recall from has such a lot."""

    code = "nothing_to_recall"
    status = 404


class InvalidRecall(DomainError):
    """A recall that names no lot, or two things at once."""

    code = "invalid_recall"
    status = 422


class LotRecalled(DomainError):
    """A lot of this number was recalled: it may not be used."""

    code = "lot_recalled"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRequest:
    """Which lots are recalled, and why: all of a manufacturer's lot number (of a material), or one lot."""

    reason: str
    supplier_lot: str | None = None
    lot_id: str | None = None
    material: str | None = None
    """With ``supplier_lot``: only lots of this material."""
    dry_run: bool = False
    """Only tell what would be done."""

    def __post_init__(self) -> None:
        if (self.supplier_lot is None) == (self.lot_id is None):
            message = "name the manufacturer's lot number (supplier_lot) or one lot of a store (lot_id)"
            raise InvalidRecall(message, problems=(FieldProblem(pointer="/supplier_lot", message=message),))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalledJob(AffectedJob):
    """A job that a recall touches, and what became of it."""

    outcome: str
    """``rerouted``, ``held`` (it waits for a person), ``shipped`` (its owner is told) or ``ended`` (before it)."""
    prints: tuple[AffectedPrint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalledLot:
    """A lot that a recall blocks."""

    lot_id: str
    node_id: str
    material: str
    remaining_grams: int
    state_before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallDocument:
    """Everything that a recall touches."""

    lots: tuple[RecalledLot, ...]
    builds: tuple[AffectedBuild, ...]
    jobs: tuple[RecalledJob, ...]

    def seen_by(self, *, node_ids: Sequence[str], organisation_id: str) -> Self:
        """Return what concerns certain nodes and the parts of one owner."""
        jobs = tuple(job for job in self.jobs if job.node_id in node_ids or job.organisation_id == organisation_id)
        made_in = {each.build_id for job in jobs for each in job.prints}
        return replace(
            self,
            lots=tuple(lot for lot in self.lots if lot.node_id in node_ids),
            builds=tuple(it for it in self.builds if it.node_id in node_ids or it.build_id in made_in),
            jobs=jobs,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the document as it is kept, with the ids that say who may see something of it."""
        return {
            "owner_ids": sorted({job.organisation_id for job in self.jobs}),
            "node_ids": sorted({lot.node_id for lot in self.lots} | {job.node_id for job in self.jobs}),
            "lots": [_plain(lot) for lot in self.lots],
            "builds": [_plain(build) for build in self.builds],
            "jobs": [_plain(job) | {"prints": [_plain(each) for each in job.prints]} for job in self.jobs],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallView:
    """A recall: what was blocked, why, by whom, and what it touches."""

    recall_id: str | None
    """None of a dry run."""
    supplier_lot: str
    """Empty where one lot was recalled that has no manufacturer's number."""
    material: str
    """Empty: any."""
    reason: str
    actor: str
    recalled_at: datetime
    repeated: bool
    """Whether it had been made before: nothing was done now."""
    document: RecallDocument


def _plain(item: RecalledLot | AffectedBuild | RecalledJob | AffectedPrint) -> dict[str, Any]:
    """Return what ``asdict`` returns without copying deeply: there may be ten thousand of them."""
    return {field.name: getattr(item, field.name) for field in fields(item)}


def document_of(kept: dict[str, Any]) -> RecallDocument:
    """Return the document of a recall from how it is kept."""
    return RecallDocument(
        lots=tuple(RecalledLot(**lot) for lot in kept["lots"]),
        builds=tuple(AffectedBuild(**build) for build in kept["builds"]),
        jobs=tuple(
            RecalledJob(**{**job, "prints": tuple(AffectedPrint(**each) for each in job["prints"])})
            for job in kept["jobs"]
        ),
    )
