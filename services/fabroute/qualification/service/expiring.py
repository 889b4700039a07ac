"""What ends soon, listed while there is time to renew it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlmodel import Session

from fabroute.qualification import repository
from fabroute.qualification.rules import CertificateView, FirstArticleView
from fabroute.qualification.snapshot import certificate_view, first_article_view

_TWO_YEARS_DAYS = (730, 731)
"""Without and with a leap day between."""
LATELY_DAYS = 30
"""So long a certificate that ended without a successor is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """A certificate or first article that ends, with its last day and how many days are left (0: today is the last)."""

    kind: Literal["certificate", "first_article"]
    subject_id: str
    node_id: str
    ends_on: date
    days_left: int
    certificate: CertificateView | None = None
    first_article: FirstArticleView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDay:
    """The certificate of a node that ends first: its scheme, its last day, and how many days are left."""

    scheme: str
    ends_on: date
    days_left: int
    """0: today is the last; under 0: it ended."""


def expiring(
    session: Session, *, within_days: int, today: date, node_ids: Collection[str] | None = None
) -> tuple[Expiry, ...]:
    """Return what counts today and ends within so many days, of all nodes or of these, the first to end first.

    A first article ends two years after the last production, if there is none before.
    """
    last_day = today + timedelta(days=within_days)
    certificates = repository.certificates_ending(session, first_day=today, last_day=last_day, node_ids=node_ids)
    produced = repository.first_articles_produced(
        session,
        first_day=today - timedelta(days=max(_TWO_YEARS_DAYS)),
        last_day=last_day - timedelta(days=min(_TWO_YEARS_DAYS)),
        node_ids=node_ids,
    )
    found = [_of_certificate(certificate_view(row), today) for row in certificates]
    found += [
        _of_first_article(view, today)
        for view in map(first_article_view, produced)
        if today <= view.ends_on <= last_day
    ]
    return tuple(sorted(found, key=lambda each: (each.ends_on, each.kind, each.subject_id)))


def read_last_days(session: Session, *, node_ids: Collection[str], today: date) -> dict[str, LastDay]:
    """Return by node which of its certificates ends first; one that was renewed counts by its last day.

    Those that ended up to ``LATELY_DAYS`` days ago count, too: they are missed now.
    """
    found = repository.last_days(session, node_ids=node_ids, first_day=today - timedelta(days=LATELY_DAYS))
    firsts = {row["node_id"]: row for row in reversed(found)}
    return {
        node_id: LastDay(scheme=row["scheme"], ends_on=row["ends_on"], days_left=(row["ends_on"] - today).days)
        for node_id, row in firsts.items()
    }


def _of_certificate(view: CertificateView, today: date) -> Expiry:
    return Expiry(
        kind="certificate",
        subject_id=view.certificate_id,
        node_id=view.node_id,
        ends_on=view.valid_to,
        days_left=(view.valid_to - today).days,
        certificate=view,
    )


def _of_first_article(view: FirstArticleView, today: date) -> Expiry:
    return Expiry(
        kind="first_article",
        subject_id=view.first_article_id,
        node_id=view.node_id,
        ends_on=view.ends_on,
        days_left=(view.ends_on - today).days,
        first_article=view,
    )
