"""What nodes can prove, as one instant saw it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby

from sqlmodel import Session

from fabroute.qualification import repository
from fabroute.qualification.models import Certificate, FirstArticle
from fabroute.qualification.rules import CertificateView, FirstArticleView

FirstArticleKey = tuple[str, str, str, str]
"""Revision id, machine id, material, parameter set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualifications:
    """Certificates and first articles that are not revoked; whether they are valid depends on the day that is asked.

    Certificates that wait for verification are among them: they prove nothing, but say why something is missing.
    """

    certificates: Mapping[str, tuple[CertificateView, ...]]
    """By node id."""
    first_articles: Mapping[FirstArticleKey, FirstArticleView]


def read_qualifications(
    session: Session, *, revision_ids: Collection[str], node_ids: Collection[str] | None = None
) -> Qualifications:
    """Return the certificates of all nodes, or of these, and the first articles of ``revision_ids``, by two queries."""
    views = [certificate_view(row) for row in repository.read_certificates(session, node_ids)]
    by_node = groupby(views, key=lambda view: view.node_id)
    articles = [first_article_view(row) for row in repository.read_first_articles(session, revision_ids)]
    return Qualifications(
        certificates={node_id: tuple(held) for node_id, held in by_node},
        first_articles={
            (article.revision_id, article.machine_id, article.material, article.parameter_set): article
            for article in articles
        },
    )


def certificate_view(row: Certificate) -> CertificateView:
    """Return a certificate as other rooms see it."""
    facts = row.model_dump()
    return CertificateView(certificate_id=facts.pop("id"), **facts)


def first_article_view(row: FirstArticle) -> FirstArticleView:
    """Return a first article as other rooms see it."""
    facts = row.model_dump()
    return FirstArticleView(first_article_id=facts.pop("id"), **facts)
