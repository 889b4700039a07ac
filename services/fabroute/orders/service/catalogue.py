"""Which part and revision an order line means, remembered for a while by each process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.inventory import service as inventory
from fabroute.inventory.service import NOTHING_KNOWN, ConventionalMethod, PartView, RevisionView
from fabroute.kernel.errors import DomainError, FieldProblem

_LIFETIME = timedelta(minutes=1)


class PartNotInInventory(DomainError):
    """A line names a part that the organisation doesn't have."""

    code = "unknown_part"
    status = 422


class RevisionNotInInventory(DomainError):
    """A line names a revision that its part doesn't have."""

    code = "unknown_revision"
    status = 422


class RevisionWithdrawn(DomainError):
    """A line names a revision that was taken out of use."""

    code = "revision_withdrawn"
    status = 422


class RevisionNotReleased(DomainError):
    """A line names a revision that may not be ordered yet (or any more), or a part that has no released one."""

    code = "revision_not_released"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLine:
    """A part number and, where the client cares, the name of a revision; else the released one is meant.

    The number may be another one under which the part is known: its old one, a supplier's, a GTIN.
    """

    part: str
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderableRevision:
    """A released revision, with the usual criticality of its part and how that is made conventionally."""

    part_id: str
    part: str
    revision_id: str
    revision: str
    criticality: str
    conventional: ConventionalMethod = NOTHING_KNOWN
    process_materials: tuple[str, ...] = ()
    """Pairs such as ``MJF:PA12-MJF`` in which it may be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    item: OrderableRevision
    until: datetime


class Catalogue:
    """What can be ordered, as this process last saw it. It saves queries, never a check: placing an order looks again.

    One instance serves all threads of a process.
    """

    def __init__(self, *, maximum_items: int = 20_000) -> None:
        self._maximum_items = maximum_items
        self._seen: dict[tuple[str, AskedLine], _Seen] = {}

    def recall(
        self, *, organisation_id: str, lines: Sequence[AskedLine], now: datetime
    ) -> tuple[OrderableRevision, ...] | None:
        """Return what the lines mean without a query; ``None`` if one of them has to be looked up."""
        found = [self._seen.get((organisation_id, line)) for line in lines]
        fresh = tuple(seen.item for seen in found if seen is not None and seen.until > now)
        return fresh if len(fresh) == len(lines) else None

    def look_up(
        self, session: Session, *, organisation_id: str, lines: Sequence[AskedLine], now: datetime
    ) -> tuple[OrderableRevision, ...]:
        """Return what the lines mean now, and remember it.

        Raises ``PartNotInInventory``, ``RevisionNotInInventory``, ``RevisionWithdrawn`` or ``RevisionNotReleased`` (the
        class of the first), naming every line that can't be ordered.
        """
        parts = inventory.find_parts(session, organisation_id=organisation_id, part_nos={line.part for line in lines})
        items = _require_orderable(lines, parts)
        if len(self._seen) >= self._maximum_items:
            self._seen.clear()
        for line, item in zip(lines, items, strict=True):
            self._seen[organisation_id, line] = _Seen(item=item, until=now + _LIFETIME)
        return items


def _require_orderable(lines: Sequence[AskedLine], parts: Mapping[str, PartView]) -> tuple[OrderableRevision, ...]:
    found = [_orderable(line, parts.get(line.part), number) for number, line in enumerate(lines)]
    refusals = [item for item in found if isinstance(item, DomainError)]
    if refusals:
        problems = tuple(problem for refusal in refusals for problem in refusal.problems)
        raise type(refusals[0])(refusals[0].message, problems=problems)
    return tuple(item for item in found if isinstance(item, OrderableRevision))


def _orderable(line: AskedLine, part: PartView | None, number: int) -> OrderableRevision | DomainError:
    if part is None:
        return _refusal(PartNotInInventory, f"/lines/{number}/part", f"you have no part {line.part}: GET /v1/parts")
    if line.revision is None:
        revision, pointer = part.released, f"/lines/{number}/part"
    else:
        revision, pointer = _named(part, line.revision), f"/lines/{number}/revision"
    if revision is None and line.revision is None:
        return _refusal(RevisionNotReleased, pointer, f"{line.part} has no released revision: release one first")
    if revision is None:
        known = ", ".join(known.revision for known in part.revisions) or "none"
        return _refusal(RevisionNotInInventory, pointer, f"{line.part} has no revision {line.revision}, only {known}")
    return _released(part, revision, pointer)


def _named(part: PartView, name: str) -> RevisionView | None:
    return next((revision for revision in part.revisions if revision.revision == name), None)


def _released(part: PartView, revision: RevisionView, pointer: str) -> OrderableRevision | DomainError:
    name = f"revision {revision.revision} of {part.part_no}"
    instead = f"order revision {part.released.revision}" if part.released else "release another one first"
    if revision.state == "withdrawn":
        return _refusal(RevisionWithdrawn, pointer, f"{name} is withdrawn: {instead}")
    if revision.state != "released":
        return _refusal(RevisionNotReleased, pointer, f"{name} is {revision.state}, not released: {instead}")
    return OrderableRevision(
        part_id=part.part_id,
        part=part.part_no,
        revision_id=revision.revision_id,
        revision=revision.revision,
        criticality=part.criticality,
        conventional=part.conventional,
        process_materials=revision.process_materials,
    )


def _refusal(kind: type[DomainError], pointer: str, message: str) -> DomainError:
    return kind(message, problems=(FieldProblem(pointer=pointer, message=message),))
