"""Gates of proof: certificates and first articles, checked for the days of production."""

from collections.abc import Iterable
from datetime import date

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import (
    CertificateFacts,
    Exclusion,
    FirstArticleFacts,
    LineFacts,
    OfferFacts,
    ProductionWindow,
)

FIRST_ARTICLE_YEARS = 2
"""A first article lapses after two years without production (AS9102B)."""
SITE_SCOPE = "*"


def certificate_missing(
    line: LineFacts, offer: OfferFacts, certificates: Iterable[CertificateFacts]
) -> Exclusion | None:
    """Require, for each scheme that the part asks for, a verified certificate whose scope covers the offer."""
    covering = [certificate for certificate in certificates if _covers(certificate, offer)]
    held = {certificate.scheme for certificate in covering if certificate.verified}
    missing = [scheme for scheme in line.required_certificates if scheme not in held]
    if not missing:
        return None
    present = {certificate.scheme for certificate in covering}
    waiting = ", ".join(scheme for scheme in missing if scheme in present)
    return Exclusion(
        code=ExclusionCode.CERTIFICATE_MISSING,
        message=f"has no {', '.join(missing)} for {offer.process_material}"
        + (f"; {waiting} waits for verification" if waiting else ""),
        figures={"missing": ", ".join(missing), "scope": offer.process_material}
        | ({"waiting": waiting} if waiting else {}),
        machine_id=offer.machine_id,
    )


def certificate_expires(
    line: LineFacts, offer: OfferFacts, certificates: Iterable[CertificateFacts], window: ProductionWindow
) -> Exclusion | None:
    """Require that every certificate that the part asks for holds through production, one document for each scheme."""
    held = tuple(certificates)
    covering = {scheme: _covering(scheme, offer, held) for scheme in line.required_certificates}
    ending = {
        scheme: max(documents, key=lambda certificate: certificate.valid_to)
        for scheme, documents in covering.items()
        if documents and not any(_holds(certificate, window) for certificate in documents)
    }
    return _expires(ending, offer, window) if ending else None


def certified_until(
    line: LineFacts, offer: OfferFacts, certificates: Iterable[CertificateFacts], first_day: date
) -> date | None:
    """Return the last day through which production from ``first_day`` on is certified; None if it isn't at all.

    ``date.max`` where the part asks for no certificate.
    """
    held, last = tuple(certificates), date.max
    for scheme in line.required_certificates:
        valid = [
            certificate.valid_to
            for certificate in _covering(scheme, offer, held)
            if certificate.valid_from <= first_day <= certificate.valid_to
        ]
        if not valid:
            return None
        last = min(last, max(valid))
    return last


def part_qualified(
    line: LineFacts, offer: OfferFacts, article: FirstArticleFacts | None, window: ProductionWindow
) -> Exclusion | None:
    """Require a first article of the revision on this machine, material and parameter set, through production.

    It counts through the day two years after the last production (AS9102B). A line that may begin with a first article
    needs none.
    """
    if not line.part_qualification or line.first_article:
        return None
    if article is None:
        return no_first_article(offer)
    ends = first_article_ends(article.last_production_on)
    if article.approved_on <= window.first_day and window.last_day <= ends:
        return None
    return _not_qualified(
        offer,
        _what_is_wrong(article, ends, window),
        {
            "approved_on": article.approved_on.isoformat(),
            "last_production_on": article.last_production_on.isoformat(),
            "ends_on": ends.isoformat(),
        },
    )


def no_first_article(offer: OfferFacts) -> Exclusion:
    """Return that an offer has no first article of a revision that asks for one."""
    return _not_qualified(offer, "no approved first article", {"first_article": "none"})


def qualified_until(line: LineFacts, article: FirstArticleFacts | None, first_day: date) -> date | None:
    """Return the last day through which production from ``first_day`` on has its first article; None without one.

    ``date.max`` where the part asks for none, or the line may begin with one.
    """
    if not line.part_qualification or line.first_article:
        return date.max
    if article is None or article.approved_on > first_day:
        return None
    ends = first_article_ends(article.last_production_on)
    return ends if first_day <= ends else None


def first_article_ends(last_production_on: date) -> date:
    """Return the last day on which a first article counts: two years after the last production."""
    year = min(last_production_on.year + FIRST_ARTICLE_YEARS, date.max.year)
    try:
        return last_production_on.replace(year=year)
    except ValueError:  # 29 February, and no such day two years on
        return date(year, 2, 28)


def _covers(certificate: CertificateFacts, offer: OfferFacts) -> bool:
    return (
        certificate.scope in (SITE_SCOPE, offer.process, offer.process_material)
        and certificate.machine_id in (None, offer.machine_id)
        and certificate.parameter_set in (None, offer.parameter_set)
    )


def _covering(scheme: str, offer: OfferFacts, held: Iterable[CertificateFacts]) -> list[CertificateFacts]:
    return [
        certificate
        for certificate in held
        if certificate.scheme == scheme and certificate.verified and _covers(certificate, offer)
    ]


def _holds(certificate: CertificateFacts, window: ProductionWindow) -> bool:
    return certificate.valid_from <= window.first_day and window.last_day <= certificate.valid_to


def _expires(ending: dict[str, CertificateFacts], offer: OfferFacts, window: ProductionWindow) -> Exclusion:
    first = min(ending.values(), key=lambda certificate: certificate.valid_to)
    return Exclusion(
        code=ExclusionCode.CERTIFICATE_EXPIRES,
        message="; ".join(_when(certificate, window) for certificate in ending.values()),
        figures={
            "certificate": ", ".join(ending),
            "valid_from": first.valid_from.isoformat(),
            "valid_to": first.valid_to.isoformat(),
            "production_from": window.first_day.isoformat(),
            "production_to": window.last_day.isoformat(),
        },
        machine_id=offer.machine_id,
    )


def _when(certificate: CertificateFacts, window: ProductionWindow) -> str:
    if certificate.valid_to < window.last_day:
        return f"certificate {certificate.scheme} ends {certificate.valid_to}, build ends {window.last_day}"
    return f"certificate {certificate.scheme} begins {certificate.valid_from}, build begins {window.first_day}"


def _what_is_wrong(article: FirstArticleFacts, ends: date, window: ProductionWindow) -> str:
    if ends < window.first_day:
        return f"the first article lapsed after {ends}"
    if article.approved_on > window.first_day:
        return f"the first article counts from {article.approved_on}, build begins {window.first_day}"
    return f"the first article counts until {ends}, build ends {window.last_day}"


def _not_qualified(offer: OfferFacts, message: str, figures: dict[str, str]) -> Exclusion:
    return Exclusion(
        code=ExclusionCode.PART_NOT_QUALIFIED,
        message=f"{message} on {offer.machine_id} with {offer.parameter_set}",
        figures={**figures, "parameter_set": offer.parameter_set},
        machine_id=offer.machine_id,
    )
