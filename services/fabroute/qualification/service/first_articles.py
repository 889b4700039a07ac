"""First articles of part revisions, one at a time: approved by the part's owner, renewed by production, revoked."""

from datetime import date, datetime

from sqlmodel import Session

from fabroute.inventory.service import RevisionView, UnknownRevision, read_revisions
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.qualification import repository
from fabroute.qualification.models import FirstArticle
from fabroute.qualification.rules import FirstArticleView
from fabroute.qualification.service.data import Evidence, InvalidCertificate, NewFirstArticle
from fabroute.qualification.service.known import read_known_network
from fabroute.qualification.service.saving import first_article_row
from fabroute.qualification.service.telling import Done, require_reason, tell
from fabroute.qualification.snapshot import FirstArticleKey, first_article_view

_RENEWED = ("approved_on", "approved_by", "note")


class UnknownFirstArticle(DomainError):
    """There is no such first article."""

    code = "unknown_first_article"
    status = 404


def add_first_article(
    session: Session,
    *,
    organisation_id: str,
    first_article: NewFirstArticle,
    actor: str,
    now: datetime,
    evidence: Evidence | None = None,
) -> FirstArticleView:
    """Approve a first article of a revision of ``organisation_id`` and return it. Audited; ``network.changed``.

    One for the same machine, material and parameter set is renewed, also if it lapsed or was revoked. Raises
    ``UnknownRevision`` (also for someone else's), and ``InvalidCertificate`` with what is allowed for a machine,
    material or parameter set that is not there or not the part's, and for days to come.
    """
    revision = _revision_of(session, organisation_id=organisation_id, revision_id=first_article.revision_id)
    problems = _problems(session, first_article, revision, today=now.date())
    if problems:
        raise InvalidCertificate(". ".join(problem.message for problem in problems), problems=problems)
    row, is_new = _kept(session, first_article, actor=actor)
    if evidence is not None:
        row.evidence_sha256, row.evidence_name = evidence.sha256, evidence.name
        row.evidence_media_type = evidence.media_type
    session.flush()
    data: dict[str, JsonScalar] = {"machine_id": row.machine_id, "material": row.material}
    what = "added" if is_new else "renewed"
    _tell(session, row, what, organisation_id=organisation_id, actor=actor, now=now, data=data)
    return first_article_view(row)


def revoke_first_article(
    session: Session, *, first_article_id: str, reason: str, actor: str, now: datetime
) -> FirstArticleView:
    """Take a first article back and return it; one that was revoked before keeps its first reason.

    Audited; ``network.changed``. Jobs that stand on it are held by ``production``. Raises ``UnknownFirstArticle``, and
    ``InvalidCertificate`` without a reason.
    """
    words = require_reason(reason)
    row = _known(first_article_id, repository.find_first_article(session, first_article_id, lock=True))
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by, row.revocation_reason = now, actor, words
        session.flush()
        owner = read_revisions(session, revision_ids=[row.revision_id])[row.revision_id].organisation_id
        _tell(session, row, "revoked", organisation_id=owner, actor=actor, now=now, data={"reason": words})
    return first_article_view(row)


def note_production(session: Session, *, produced: FirstArticleKey, day: date) -> None:
    """Note that a revision was made well on a machine with a material and parameter set: two years begin again.

    Nothing happens where there is no first article that counts, and where a later day is known.
    """
    repository.note_production(session, produced, day=day)


def get_first_article(session: Session, *, first_article_id: str) -> FirstArticleView:
    """Return a first article, revoked or not; ``UnknownFirstArticle`` if there is none."""
    return first_article_view(_known(first_article_id, repository.find_first_article(session, first_article_id)))


def list_first_articles(
    session: Session, *, revision_id: str | None = None, node_id: str | None = None
) -> tuple[FirstArticleView, ...]:
    """Return the first articles of a revision, of a node or of both, revoked and lapsed ones among them, by id."""
    if revision_id is None and node_id is None:
        raise ValueError("name a revision or a node")
    rows = repository.list_first_articles(session, revision_id=revision_id, node_id=node_id)
    return tuple(first_article_view(row) for row in rows)


def _revision_of(session: Session, *, organisation_id: str, revision_id: str) -> RevisionView:
    revision = read_revisions(session, revision_ids=[revision_id]).get(revision_id)
    if revision is None or revision.organisation_id != organisation_id:
        raise UnknownRevision(f"you have no part revision {revision_id}: GET /v1/parts lists yours")
    return revision


def _problems(
    session: Session, article: NewFirstArticle, revision: RevisionView, *, today: date
) -> tuple[FieldProblem, ...]:
    if article.last_production_on > today:
        words = f"the last production was on {article.last_production_on}, which is to come: today is {today}"
        return (FieldProblem(pointer="/last_production_on", message=words),)
    known = read_known_network(session, today=today)
    problems = known.first_article_problems(article)
    if problems:
        return problems
    pair = f"{known.process_of(article)}:{article.material}"
    if pair not in revision.process_materials:
        words = f"{revision.part_no} may not be made as {pair}. Allowed: {', '.join(revision.process_materials)}"
        return (FieldProblem(pointer="/material", message=words),)
    if revision.parameter_sets and article.parameter_set not in revision.parameter_sets:
        named = ", ".join(revision.parameter_sets)
        words = f"{revision.part_no} may not be made with {article.parameter_set}. Allowed: {named}"
        return (FieldProblem(pointer="/parameter_set", message=words),)
    return ()


def _kept(session: Session, article: NewFirstArticle, *, actor: str) -> tuple[FirstArticle, bool]:
    """Return the row of a first article, new or renewed, and whether it is new."""
    proves = (article.revision_id, article.machine_id, article.material, article.parameter_set)
    known = repository.lock_first_article_of(session, proves)
    row = FirstArticle.model_validate(first_article_row(article, actor=actor))
    if known is None:
        repository.add(session, row)
        return row, True
    for name in _RENEWED:
        setattr(known, name, getattr(row, name))
    known.last_production_on = max(known.last_production_on, row.last_production_on)
    known.revoked_at, known.revoked_by, known.revocation_reason = None, None, ""
    return known, False


def _known(first_article_id: str, row: FirstArticle | None) -> FirstArticle:
    if row is None:
        raise UnknownFirstArticle(f"there is no first article {first_article_id} that you may see")
    return row


def _tell(
    session: Session,
    row: FirstArticle,
    what: str,
    *,
    organisation_id: str,
    actor: str,
    now: datetime,
    data: dict[str, JsonScalar],
) -> None:
    done = Done(
        action=f"first_article.{what}",
        subject_type="first_article",
        subject_id=row.id,
        organisation_id=organisation_id,
        actor=actor,
        now=now,
        data={"revision_id": row.revision_id, "node_id": row.node_id, **data},
    )
    tell(session, done, reason=f"first_article_{what}")
