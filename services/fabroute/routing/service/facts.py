"""What the gates look at, made of what other rooms know: for lines to be routed, and for jobs to be looked at again."""

from fabroute.inventory.service import LicenceView, RevisionView
from fabroute.kernel.ids import sandbox_of
from fabroute.network.service import LotView, NodeView, OfferView
from fabroute.qualification.service import CertificateView, FirstArticleView
from fabroute.routing.repository.exclusions import LineExclusionView
from fabroute.routing.rules import PART_QUALIFICATION
from fabroute.solver.eligibility import (
    CertificateFacts,
    FirstArticleFacts,
    LicenceFacts,
    LineFacts,
    LotFacts,
    NodeFacts,
    OfferFacts,
    RuledOutFacts,
)
from fabroute.solver.eligibility.facts import Box


def line_facts(
    revision: RevisionView,
    *,
    criticality: str,
    destination_country: str,
    packaging: str,
    first_article: bool = False,
) -> LineFacts:
    """Return what a revision and its order ask; the order's criticality may ask for more than the part does.

    ``first_article``: whether the order lets a node without one make it, one part first.
    """
    return LineFacts(
        revision_state=revision.state,
        file_validated=revision.file_validated,
        box_mm=(revision.box_x_mm, revision.box_y_mm, revision.box_z_mm),
        process_materials=frozenset(revision.process_materials),
        required_certificates=revision.required_certificates,
        part_qualification=revision.part_qualification or criticality in PART_QUALIFICATION,
        export_class=revision.export_class,
        ip_zone=revision.ip_zone,
        destination_country=destination_country,
        packaging=packaging,
        part_packaging=revision.packaging,
        orientation_mm=standing(revision),
        parameter_sets=frozenset(revision.parameter_sets),
        ip_countries=frozenset(revision.ip_countries),
        ip_nodes=frozenset(revision.ip_nodes),
        ip_kinds=frozenset(revision.ip_kinds),
        licence_required=revision.licence_required,
        on_hold_reason=revision.on_hold_reason,
        first_article=first_article,
        sandbox=sandbox_of(revision.organisation_id),
    )


def standing(revision: RevisionView) -> Box | None:
    """Return a revision's box as it must stand in the machine, height last; None where any rotation will do."""
    x, y, z = revision.box_x_mm, revision.box_y_mm, revision.box_z_mm
    if revision.qualified_orientation is None:
        return None
    return {"x": (y, z, x), "y": (z, x, y), "z": (x, y, z)}[revision.qualified_orientation]


def node_facts(node: NodeView) -> NodeFacts:
    """Return what a node is, offers and may do."""
    return NodeFacts(
        node_id=node.node_id,
        kind=node.kind,
        country=node.country,
        status=node.status,
        status_reason=node.status_reason,
        packaging=frozenset(node.packaging),
        export_permissions=frozenset(node.export_permissions),
        minimum_order_minor=node.minimum_order_minor,
        minimum_order_policy=node.minimum_order_policy,
        sandbox=sandbox_of(node.organisation_id),
    )


def offer_facts(offer: OfferView, *, machine_status: str) -> OfferFacts:
    """Return a machine with a material and a parameter set."""
    return OfferFacts(
        machine_id=offer.machine_id,
        machine_status=machine_status,
        process=offer.process,
        material=offer.material.code,
        parameter_set=offer.parameter_set,
        parameter_set_state=offer.parameter_set_state,
        build_box_mm=(offer.model.x_mm, offer.model.y_mm, offer.model.z_mm),
    )


def certificate_facts(certificate: CertificateView) -> CertificateFacts:
    """Return what a certificate covers, from when to when, and whether it counts."""
    return CertificateFacts(
        scheme=certificate.scheme,
        scope=certificate.scope,
        valid_from=certificate.valid_from,
        valid_to=certificate.valid_to,
        verified=certificate.verified and not certificate.revoked,
        machine_id=certificate.machine_id,
        parameter_set=certificate.parameter_set,
    )


def first_article_facts(article: FirstArticleView | None) -> FirstArticleFacts | None:
    """Return the days of a first article; None where there is none, or it was revoked."""
    if article is None or article.revoked:
        return None
    return FirstArticleFacts(approved_on=article.approved_on, last_production_on=article.last_production_on)


def licence_facts(licence: LicenceView) -> LicenceFacts:
    """Return what is left of a print licence, for whom and until when."""
    return LicenceFacts(
        licence_id=licence.licence_id,
        state=licence.state,
        granted=licence.granted_prints,
        left=licence.left,
        node_ids=frozenset(licence.node_ids),
        countries=frozenset(licence.countries),
        valid_to=licence.valid_to,
    )


def lot_facts(lot: LotView) -> LotFacts:
    """Return what is left of a lot, and whether it may be used."""
    return LotFacts(
        lot_id=lot.lot_id,
        remaining_grams=lot.remaining_grams,
        expires_on=lot.expires_on,
        state=lot.state,
        reuse_count=lot.reuse_count,
    )


def ruled_out_facts(exclusion: LineExclusionView) -> RuledOutFacts:
    """Return what happened when a node had the line before."""
    return RuledOutFacts(
        node_id=exclusion.node_id,
        cause=exclusion.cause,
        reason=exclusion.reason,
        excluded_at=exclusion.excluded_at,
    )
