"""What the page of a part shows: revisions, the validated file, nodes by what is missing, and its orders."""

from dataclasses import dataclass

from fabroute.console.formats import Formats
from fabroute.console.pages.order_a_part.finding import part_path, terms_path
from fabroute.console.pages.part.layout import Amounts, PartLayout, part_layout
from fabroute.console.pages.part.matrix import Matrix, matrix_of
from fabroute.console.pages.part.outlook import Outlook, outlook_of
from fabroute.console.pages.part.print_file import Preview, Validation, preview_of, validation_of
from fabroute.inventory.service import LicenceView, PartView, RevisionView, SubmissionView
from fabroute.orders.service import OrderView
from fabroute.routing.service.part_makers import PartAtNode
from fabroute.routing.service.readiness import AskedReport, PartReadiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Makers:
    """Who could make a revision now, as far as that can be told."""

    nodes: tuple[PartAtNode, ...] | None = None
    """``None`` where no revision can be ordered or nobody knows where it would go."""
    lacking: str = ""
    """Which data are missing where nothing can be reckoned; empty where all are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """All that is asked of the services for the page."""

    part: PartView
    chosen: RevisionView | None
    submission: SubmissionView | None
    makers: Makers
    place: str
    readiness: PartReadiness | None
    """``None`` where the viewer may not read orders: it tells what they cost."""
    licences: tuple[LicenceView, ...]
    orders: tuple[OrderView, ...] | None
    """``None`` where the viewer may not read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPage:
    """The page."""

    part: PartView
    chosen: RevisionView | None
    path: str
    order_path: str
    preview: Preview
    validation: Validation | None
    matrix: Matrix | None
    lacking: str
    """Which data are missing where nobody can say who can make it."""
    place: str
    outlook: Outlook | None
    licences: tuple[LicenceView, ...]
    orders: tuple[OrderView, ...] | None
    news_path: str
    """Where an open page hears that what it waits for is there; empty where it waits for nothing."""

    @property
    def layout(self) -> PartLayout:
        """Which of its cards stand beside which."""
        part, revision = self.part, self.chosen
        has = Amounts(
            has_picture=bool(self.preview.picture),
            pairs=0 if revision is None else len(revision.process_materials),
            places=len(part.aliases) + len(part.installations),
            orders=None if self.orders is None else len(self.orders),
            revisions=len(part.revisions),
            licences=len(self.licences),
            documents=0 if revision is None else len(revision.documents),
        )
        return part_layout(has, outlook=self.outlook, validation=self.validation)


def part_page(facts: PartFacts, fmt: Formats) -> PartPage:
    """Return the page of a part, with one of its revisions in full."""
    part, revision = facts.part, facts.chosen
    validation = validation_of(facts.submission, revision)
    outlook = None if facts.readiness is None else outlook_of(facts.readiness, fmt)
    return PartPage(
        part=part,
        chosen=revision,
        path=part_path(part.part_no),
        order_path="" if part.released is None else terms_path(part.part_no),
        preview=preview_of(revision),
        validation=validation,
        matrix=None if facts.makers.nodes is None else matrix_of(facts.makers.nodes, fmt),
        lacking=facts.makers.lacking,
        place=facts.place,
        outlook=outlook,
        licences=facts.licences,
        orders=facts.orders,
        news_path=_news_path(facts),
    )


def news_stamp(submission: SubmissionView | None, asked: AskedReport | None) -> str:
    """Return what changes when a file is validated or a readiness report made; it is short and stands in a URL."""
    state = "" if submission is None else f"{submission.submission_id}.{submission.state}"
    return f"{state}-{'' if asked is None else asked.report_id}"


def _news_path(facts: PartFacts) -> str:
    asked = None if facts.readiness is None else facts.readiness.asked
    is_waiting = facts.submission is not None and not facts.submission.finished
    if facts.chosen is None or not (is_waiting or asked is not None):
        return ""
    return f"/console/revisions/{facts.chosen.revision_id}/news?stamp={news_stamp(facts.submission, asked)}"
