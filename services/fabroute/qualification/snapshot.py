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
    """Certificates and first articles that are not revoked; whether they are valid depends on the day that is asked."""

    certificates: Mapping[str, tuple[CertificateView, ...]]
    """By node id."""
    first_articles: Mapping[FirstArticleKey, FirstArticleView]


def read_qualifications(session: Session, *, revision_ids: Collection[str]) -> Qualifications:
    """Return all nodes' certificates and the first articles of ``revision_ids``, by two queries."""
    views = [_certificate_view(row) for row in repository.read_certificates(session)]
    by_node = groupby(views, key=lambda view: view.node_id)
    articles = [_first_article_view(row) for row in repository.read_first_articles(session, revision_ids)]
    return Qualifications(
        certificates={node_id: tuple(held) for node_id, held in by_node},
        first_articles={
            (article.revision_id, article.machine_id, article.material, article.parameter_set): article
            for article in articles
        },
    )


def _certificate_view(row: Certificate) -> CertificateView:
    return CertificateView(
        certificate_id=row.id,
        node_id=row.node_id,
        scheme=row.scheme,
        scope_kind=row.scope_kind,
        scope=row.scope,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _first_article_view(row: FirstArticle) -> FirstArticleView:
    return FirstArticleView(
        first_article_id=row.id,
        revision_id=row.revision_id,
        node_id=row.node_id,
        machine_id=row.machine_id,
        material=row.material,
        parameter_set=row.parameter_set,
        approved_on=row.approved_on,
        last_production_on=row.last_production_on,
    )
