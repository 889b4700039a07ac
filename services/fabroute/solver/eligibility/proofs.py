"""Gates of proof: certificates and first articles, checked for the days of production."""

from collections.abc import Iterable
from datetime import date, timedelta

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import (
    CertificateFacts,
    Exclusion,
    FirstArticleFacts,
    LineFacts,
    OfferFacts,
    ProductionWindow,
)


def certificate_missing(
    line: LineFacts, offer: OfferFacts, certificates: Iterable[CertificateFacts]
) -> Exclusion | None:
    """Require, for each scheme that the part asks for, a certificate whose scope covers the offer."""
    held = {certificate.scheme for certificate in certificates if _covers(certificate, offer)}
    missing = [scheme for scheme in line.required_certificates if scheme not in held]
    if not missing:
        return None
    return Exclusion(
        code=ExclusionCode.CERTIFICATE_MISSING,
        message=f"has no {', '.join(missing)} for {offer.process_material}",
        figures={"missing": ", ".join(missing), "scope": offer.process_material},
        machine_id=offer.machine_id,
    )


def certificate_expires(
    line: LineFacts, offer: OfferFacts, certificates: Iterable[CertificateFacts], window: ProductionWindow
) -> Exclusion | None:
    """Require that every certificate that the part asks for holds through production, one document for each scheme."""
    held = tuple(certificates)
    for scheme in line.required_certificates:
        covering = _covering(scheme, offer, held)
        if covering and not any(_holds(certificate, window) for certificate in covering):
            return _expires(scheme, covering, offer, window)
    return None


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
    """Require a first article of the revision on this machine, material and parameter set, not lapsed.

    It lapses two years after the last production (AS9102B).
    """
    if not line.part_qualification:
        return None
    if article is None:
        return _not_qualified(offer, "no approved first article", {"first_article": "none"})
    lapses = lapses_on(article)
    if article.approved_on <= window.first_day < lapses:
        return None
    return _not_qualified(
        offer,
        f"the first article lapsed on {lapses}" if window.first_day >= lapses else "the first article is not approved",
        {
            "approved_on": article.approved_on.isoformat(),
            "last_production_on": article.last_production_on.isoformat(),
            "lapses_on": lapses.isoformat(),
        },
    )


def lapses_on(article: FirstArticleFacts) -> date:
    """Return the day on which a first article stops counting: two years after the last production."""
    day = article.last_production_on
    try:
        return day.replace(year=day.year + 2)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 2, day=28) + timedelta(days=1)


def _covers(certificate: CertificateFacts, offer: OfferFacts) -> bool:
    return certificate.scope in ("*", offer.process_material)


def _covering(scheme: str, offer: OfferFacts, held: Iterable[CertificateFacts]) -> list[CertificateFacts]:
    return [certificate for certificate in held if certificate.scheme == scheme and _covers(certificate, offer)]


def _holds(certificate: CertificateFacts, window: ProductionWindow) -> bool:
    return certificate.valid_from <= window.first_day and window.last_day <= certificate.valid_to


def _expires(scheme: str, covering: list[CertificateFacts], offer: OfferFacts, window: ProductionWindow) -> Exclusion:
    longest = max(covering, key=lambda certificate: certificate.valid_to)
    if longest.valid_to < window.last_day:
        message = f"certificate {scheme} ends {longest.valid_to}, build ends {window.last_day}"
    else:
        message = f"certificate {scheme} begins {longest.valid_from}, build begins {window.first_day}"
    return Exclusion(
        code=ExclusionCode.CERTIFICATE_EXPIRES,
        message=message,
        figures={
            "certificate": scheme,
            "valid_from": longest.valid_from.isoformat(),
            "valid_to": longest.valid_to.isoformat(),
            "production_from": window.first_day.isoformat(),
            "production_to": window.last_day.isoformat(),
        },
        machine_id=offer.machine_id,
    )


def _not_qualified(offer: OfferFacts, message: str, figures: dict[str, str]) -> Exclusion:
    return Exclusion(
        code=ExclusionCode.PART_NOT_QUALIFIED,
        message=f"{message} on {offer.machine_id} with {offer.parameter_set}",
        figures={**figures, "parameter_set": offer.parameter_set},
        machine_id=offer.machine_id,
    )
