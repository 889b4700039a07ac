"""Who has proved what: site and process certificates, and first articles of part revisions."""

from fabroute.qualification.rules import CertificateView, FirstArticleView
from fabroute.qualification.service.certificates import (
    CertificateKnown,
    CertificateRevoked,
    EvidenceFrozen,
    UnknownCertificate,
    add_certificate,
    add_certificates,
    attach_evidence,
    get_certificate,
    hold_certificates,
    list_certificates,
    revoke_certificate,
    verify_certificate,
)
from fabroute.qualification.service.data import Evidence, InvalidCertificate, NewCertificate, NewFirstArticle
from fabroute.qualification.service.expiring import Expiry, expiring
from fabroute.qualification.service.first_articles import (
    UnknownFirstArticle,
    add_first_article,
    get_first_article,
    list_first_articles,
    note_production,
    revoke_first_article,
)
from fabroute.qualification.service.known import KnownNetwork, read_known_network
from fabroute.qualification.service.saving import save_certificates, save_first_articles
from fabroute.qualification.snapshot import FirstArticleKey, Qualifications, read_qualifications

__all__ = [
    "CertificateKnown",
    "CertificateRevoked",
    "CertificateView",
    "Evidence",
    "EvidenceFrozen",
    "Expiry",
    "FirstArticleKey",
    "FirstArticleView",
    "InvalidCertificate",
    "KnownNetwork",
    "NewCertificate",
    "NewFirstArticle",
    "Qualifications",
    "UnknownCertificate",
    "UnknownFirstArticle",
    "add_certificate",
    "add_certificates",
    "add_first_article",
    "attach_evidence",
    "expiring",
    "get_certificate",
    "get_first_article",
    "hold_certificates",
    "list_certificates",
    "list_first_articles",
    "note_production",
    "read_known_network",
    "read_qualifications",
    "revoke_certificate",
    "revoke_first_article",
    "save_certificates",
    "save_first_articles",
    "verify_certificate",
]
