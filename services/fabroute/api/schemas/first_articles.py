"""First articles of part revisions over the wire."""

from datetime import date

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Day, Label, Note, RequestModel, ResponseModel
from fabroute.api.schemas.certificates import ProofOut, proof_out
from fabroute.qualification.service import FirstArticleView, NewFirstArticle


class FirstArticleIn(RequestModel):
    """The owner's word that a machine made this revision well with a material and a parameter set."""

    node_id: Label
    machine_id: Label
    material: Label = Field(examples=["PA12-MJF"])
    parameter_set: Label
    approved_on: Day
    last_production_on: Day | None = Field(
        default=None, description="The day of the last print; the day of the approval where it is not said."
    )
    note: Note = ""


class FirstArticleOut(ResponseModel):
    """The proof that a machine made a revision well. It lapses two years after the last production."""

    id: str
    revision_id: str
    node_id: str
    machine_id: str
    material: str
    parameter_set: str
    approved_on: date
    last_production_on: date
    ends_on: date = Field(description="Its last day, if nothing is printed before.")
    days_left: int = Field(description="From today to its last day; negative when that has gone by.")
    state: str = Field(description="`valid`, `not_yet_valid`, `lapsed` or `revoked`.")
    note: str
    evidence: ProofOut | None
    revoked_at: AwareDatetime | None
    revocation_reason: str


class FirstArticleRevokedOut(ResponseModel):
    """A first article that no longer counts, and what that stopped."""

    first_article: FirstArticleOut
    held_jobs: int = Field(description="Jobs that are held now because they stood on it.")


def new_first_article(revision_id: str, article: FirstArticleIn) -> NewFirstArticle:
    """Return a first article as qualification takes it."""
    return NewFirstArticle(
        revision_id=revision_id,
        node_id=article.node_id,
        machine_id=article.machine_id,
        material=article.material,
        parameter_set=article.parameter_set,
        approved_on=article.approved_on,
        last_production_on=article.last_production_on or article.approved_on,
        note=article.note,
    )


def first_article_out(article: FirstArticleView, *, today: date) -> FirstArticleOut:
    """Return a first article for an answer of ``today``."""
    return FirstArticleOut(
        id=article.first_article_id,
        revision_id=article.revision_id,
        node_id=article.node_id,
        machine_id=article.machine_id,
        material=article.material,
        parameter_set=article.parameter_set,
        approved_on=article.approved_on,
        last_production_on=article.last_production_on,
        ends_on=article.ends_on,
        days_left=(article.ends_on - today).days,
        state=article.state_on(today),
        note=article.note,
        evidence=proof_out(article),
        revoked_at=article.revoked_at,
        revocation_reason=article.revocation_reason,
    )
