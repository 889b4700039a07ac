"""What the page of a part shows: revisions, the validated file, nodes by what is missing, and its orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fabroute.api.schemas.print_files import summary_of
from fabroute.console.pages.order.exclusions import meaning_of
from fabroute.console.pages.order_a_part.finding import terms_path
from fabroute.inventory.ports import Finding, Printability
from fabroute.inventory.service import LicenceView, PartView, RevisionView, SubmissionView
from fabroute.orders.service import OrderView
from fabroute.routing.service.part_makers import PartAtNode
from fabroute.routing.service.readiness import EntryView

COLUMNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("Size", frozenset({"BUILD_VOLUME"})),
    ("File", frozenset({"FILE_NOT_VALIDATED"})),
    ("Parameters", frozenset({"NO_PARAMETER_SET"})),
    ("Certificates", frozenset({"CERTIFICATE_MISSING", "CERTIFICATE_EXPIRES"})),
    ("First article", frozenset({"PART_NOT_QUALIFIED"})),
    ("Rights", frozenset({"EXPORT_CONTROL", "IP_POLICY"})),
    ("Material", frozenset({"MATERIAL_SHORT", "LOT_BLOCKED"})),
    ("Up", frozenset({"NODE_DOWN"})),
)
"""What a node must have, by the codes that say it has not; any other code is told in words alone."""
MOST_NODES = 40
STATE_WORDS: Mapping[str, str] = {
    "no_route": "nobody can make it",
    "ends_soon": "nobody can in 30 days",
    "one_failure_away": "one node only",
    "ready": "ready",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """A node, what it has of all that is needed, and what is missing in words."""

    city: str
    country: str
    node_id: str
    landed_minor: int | None
    has: tuple[tuple[str, bool], ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Nodes by what is missing, those that print such parts at all."""

    rows: tuple[MatrixRow, ...]
    able: int
    more: int
    elsewhere: int
    """Nodes of other processes and materials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """All that is asked of the services for the page."""

    part: PartView
    chosen: RevisionView | None
    submission: SubmissionView | None
    makers: tuple[PartAtNode, ...] | None
    """``None`` where no revision can be ordered or nobody knows where it would go."""
    place: str
    readiness: tuple[EntryView, ...] | None
    """``None`` before the first report."""
    licences: tuple[LicenceView, ...]
    orders: tuple[OrderView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPage:
    """The page."""

    part: PartView
    chosen: RevisionView | None
    order_path: str
    picture: str
    model: str
    summary: str
    findings: tuple[Finding, ...]
    printability: tuple[Printability, ...]
    matrix: Matrix | None
    columns: tuple[str, ...]
    place: str
    readiness: tuple[EntryView, ...] | None
    licences: tuple[LicenceView, ...]
    orders: tuple[OrderView, ...]


def part_page(facts: PartFacts) -> PartPage:
    """Return the page of a part, with one of its revisions in full."""
    revision = facts.chosen
    file = None if revision is None else revision.file
    base = "" if revision is None else f"/v1/revisions/{revision.revision_id}"
    report = None if facts.submission is None else facts.submission.report
    return PartPage(
        part=facts.part,
        chosen=revision,
        order_path="" if facts.part.released is None else terms_path(facts.part.part_no),
        picture=f"{base}/preview.png" if file is not None and file.preview_sha256 else "",
        model=f"{base}/preview.glb" if file is not None and file.model_sha256 else "",
        summary="" if facts.submission is None else summary_of(facts.submission),
        findings=() if report is None else report.findings,
        printability=() if report is None else report.printability,
        matrix=None if facts.makers is None else matrix_of(facts.makers),
        columns=tuple(label for label, _ in COLUMNS),
        place=facts.place,
        readiness=facts.readiness,
        licences=facts.licences,
        orders=facts.orders,
    )


def matrix_of(makers: Sequence[PartAtNode]) -> Matrix:
    """Return the matrix of nodes by what is missing; nodes that do other work are only counted."""
    near = [it for it in makers if it.does_such_work]
    return Matrix(
        rows=tuple(_row(it) for it in near[:MOST_NODES]),
        able=sum(it.landed_minor is not None for it in near),
        more=max(0, len(near) - MOST_NODES),
        elsewhere=len(makers) - len(near),
    )


def _row(it: PartAtNode) -> MatrixRow:
    codes = {reason.code.value for reason in it.reasons}
    return MatrixRow(
        city=it.node.city,
        country=it.node.country,
        node_id=it.node.node_id,
        landed_minor=it.landed_minor,
        has=tuple((label, not codes & against) for label, against in COLUMNS),
        missing=tuple((meaning_of(reason.code.value), reason.message) for reason in it.reasons),
    )
