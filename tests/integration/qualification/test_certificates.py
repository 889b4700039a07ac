"""Certificates one at a time: handed in, refused with what is allowed, verified, proved by a file, revoked, listed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.network.service import NetworkData, UnknownNode, save_network
from fabroute.qualification.service import (
    CertificateKnown,
    CertificateRevoked,
    CertificateView,
    Evidence,
    EvidenceFrozen,
    InvalidCertificate,
    NewCertificate,
    UnknownCertificate,
    add_certificate,
    attach_evidence,
    get_certificate,
    list_certificates,
    read_qualifications,
    revoke_certificate,
    verify_certificate,
)
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_machine, a_material, a_model, a_node, an_offer
from tests.factories.organisations import NOW, save_organisations

BUREAU_KEY, OPERATOR_KEY = "key_bureau", "key_operator"
LATER = NOW + timedelta(days=1)
PDF = Evidence(sha256="a" * 64, name="iso9001.pdf", media_type="application/pdf")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """A network of two nodes: nylon powder at N101 (two machines) and N102, steel at N101-C."""
    with engine_for(database.url, connections=8) as made:
        with unit_of_work(made) as session:
            save_organisations(session)
            save_network(session, data=_two_nodes())
        yield made


def _two_nodes() -> NetworkData:
    nylon = [("N101-A", "N101"), ("N101-B", "N101"), ("N102-A", "N102")]
    return NetworkData(
        nodes=(a_node(), a_node(node_id="N102", city="Potsdam")),
        models=(a_model(), a_model(model="EOS M 290", process="LPBF")),
        materials=(a_material(), a_material(code="316L", process="LPBF")),
        machines=(
            *(a_machine(machine_id=machine, node_id=node) for machine, node in nylon),
            a_machine(machine_id="N101-C", model="EOS M 290"),
        ),
        offers=(
            an_offer(machine_id="N101-A"),
            an_offer(machine_id="N101-B", parameter_set="PS-2"),
            an_offer(machine_id="N102-A"),
            an_offer(machine_id="N101-C", process="LPBF", material="316L", parameter_set="PS-S"),
        ),
        lots=(),
    )


def a_certificate(
    *,
    node_id: str = "N101",
    scheme: str = "ISO9001",
    scope: str = "*",
    machine_id: str | None = None,
    parameter_set: str | None = None,
    valid_to: date = date(2027, 1, 31),
) -> NewCertificate:
    return NewCertificate(
        node_id=node_id,
        scheme=scheme,
        scope=scope,
        machine_id=machine_id,
        parameter_set=parameter_set,
        number="Q-1",
        issuer="Institute",
        valid_from=date(2025, 2, 1),
        valid_to=valid_to,
    )


def added(engine: Engine, certificate: NewCertificate | None = None, *, verified: bool = False) -> CertificateView:
    actor = OPERATOR_KEY if verified else BUREAU_KEY
    return in_transaction(
        engine,
        lambda session: add_certificate(
            session, certificate=certificate or a_certificate(), actor=actor, verified=verified, now=NOW
        ),
    )


def verified_by_operator(engine: Engine, certificate_id: str) -> CertificateView:
    return in_transaction(
        engine,
        lambda session: verify_certificate(session, certificate_id=certificate_id, actor=OPERATOR_KEY, now=LATER),
    )


def revoked(engine: Engine, certificate_id: str, reason: str = "audit failed") -> CertificateView:
    return in_transaction(
        engine,
        lambda session: revoke_certificate(
            session, certificate_id=certificate_id, reason=reason, actor=OPERATOR_KEY, now=LATER
        ),
    )


def with_evidence(engine: Engine, certificate_id: str, evidence: Evidence = PDF) -> CertificateView:
    return in_transaction(
        engine,
        lambda session: attach_evidence(
            session, certificate_id=certificate_id, evidence=evidence, actor=BUREAU_KEY, now=LATER
        ),
    )


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def audit(engine: Engine) -> list[tuple[object, ...]]:
    return table(engine, "SELECT action, actor FROM audit_entries WHERE subject_type = 'certificate' ORDER BY id")


def told(engine: Engine) -> list[tuple[object, ...]]:
    return table(
        engine,
        "SELECT subject_id, data->>'reason' FROM outbox_events"
        " WHERE name = 'network.changed' AND subject_type = 'certificate' ORDER BY id",
    )


# ---------------------------------------------------------------- handing in


def test_a_certificate_of_a_bureau_waits_and_tells_nobody_yet(engine: Engine) -> None:
    view = added(engine)

    assert (view.node_id, view.scheme, view.scope, view.scope_kind) == ("N101", "ISO9001", "*", "site")
    assert (view.number, view.issuer) == ("Q-1", "Institute")
    assert (view.submitted_by, view.submitted_at) == (BUREAU_KEY, NOW)
    assert (view.verified, view.state_on(NOW.date())) == (False, "waiting")
    assert audit(engine) == [("certificate.added", BUREAU_KEY)]
    assert told(engine) == []


def test_the_operator_s_own_counts_at_once_and_is_told(engine: Engine) -> None:
    view = added(engine, verified=True)

    assert (view.verified_by, view.verified_at) == (OPERATOR_KEY, NOW)
    assert view.state_on(NOW.date()) == "valid"
    assert told(engine) == [(view.certificate_id, "certificate_added")]
    assert table(engine, "SELECT organisation_id, data->>'scheme' FROM audit_entries ORDER BY id") == [
        ("org_bureau", "ISO9001")
    ]


@pytest.mark.parametrize(
    ("scope", "machine_id", "parameter_set", "kind"),
    [
        ("*", None, None, "site"),
        ("MJF", None, None, "process"),
        ("LPBF:316L", None, None, "process_material"),
        ("*", "N101-A", None, "machine"),
        ("MJF:PA12-MJF", "N101-B", None, "machine"),
        ("MJF", None, "PS-2", "parameter_set"),
        ("MJF:PA12-MJF", "N101-A", "PS-1", "parameter_set"),
    ],
)
def test_a_certificate_is_for_the_narrowest_thing_that_it_names(
    engine: Engine, scope: str, machine_id: str | None, parameter_set: str | None, kind: str
) -> None:
    view = added(engine, a_certificate(scope=scope, machine_id=machine_id, parameter_set=parameter_set))

    assert view.scope_kind == kind
    assert (view.machine_id, view.parameter_set) == (machine_id, parameter_set)
    assert table(engine, "SELECT scope_kind, scope FROM certificates") == [(kind, scope)]


@pytest.mark.parametrize(
    ("certificate", "pointer", "words"),
    [
        (a_certificate(scope="SLS"), "/scope", "'SLS' is no scope: use * for the site. Allowed: LPBF, MJF"),
        (a_certificate(scope=""), "/scope", "'' is no scope: use * for the site. Allowed: LPBF, MJF"),
        (
            a_certificate(scope="MJF:316L"),
            "/scope",
            "there is no material '316L' for MJF. Allowed: MJF:PA12-MJF",
        ),
        (
            a_certificate(machine_id="N102-A"),
            "/machine_id",
            "N101 has no machine N102-A. Allowed: N101-A, N101-B, N101-C",
        ),
        (
            a_certificate(scope="LPBF", machine_id="N101-A"),
            "/machine_id",
            "N101-A does not print LPBF. Allowed: N101-C",
        ),
        (
            a_certificate(scope="MJF", parameter_set="PS-S"),
            "/parameter_set",
            "N101 has no parameter set PS-S within this scope. Allowed: PS-1, PS-2",
        ),
        (
            a_certificate(machine_id="N101-B", parameter_set="PS-1"),
            "/parameter_set",
            "N101 has no parameter set PS-1 within this scope. Allowed: PS-2",
        ),
    ],
)
def test_what_the_node_does_not_have_is_refused_with_what_it_has(
    engine: Engine, certificate: NewCertificate, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidCertificate) as refusal:
        added(engine, certificate, verified=True)

    assert [(problem.pointer, problem.message) for problem in refusal.value.problems] == [(pointer, words)]
    assert (refusal.value.status, refusal.value.message) == (422, words)
    assert table(engine, "SELECT id FROM certificates") == []
    assert audit(engine) == told(engine) == []


def test_every_wrong_field_is_named_at_once(engine: Engine) -> None:
    with pytest.raises(InvalidCertificate) as refusal:
        added(engine, a_certificate(scope="EBM", machine_id="M-X", parameter_set="PS-X"))

    assert [problem.pointer for problem in refusal.value.problems] == ["/scope", "/machine_id", "/parameter_set"]
    assert table(engine, "SELECT id FROM certificates") == []


def test_a_node_that_is_not_there_has_no_certificates(engine: Engine) -> None:
    with pytest.raises(UnknownNode, match="there is no node N999"):
        added(engine, a_certificate(node_id="N999"))
    assert table(engine, "SELECT id FROM certificates") == []


def test_an_id_is_given_once(engine: Engine) -> None:
    named = replace(a_certificate(), certificate_id="cert_mine")
    assert added(engine, named).certificate_id == "cert_mine"

    with pytest.raises(CertificateKnown, match="there is a certificate cert_mine already") as refusal:
        added(engine, named)
    assert refusal.value.status == 409
    assert audit(engine) == [("certificate.added", BUREAU_KEY)]


def test_reversed_dates_blank_schemes_and_standards_that_are_no_certificate_are_refused_at_birth() -> None:
    with pytest.raises(InvalidCertificate, match=r"ends \(2025-01-31\) before it begins \(2025-02-01\)") as dates:
        a_certificate(valid_to=date(2025, 1, 31))
    with pytest.raises(InvalidCertificate, match="needs its scheme") as blank:
        a_certificate(scheme=" ")
    with pytest.raises(InvalidCertificate, match="a standard for purchase orders") as purchase:
        a_certificate(scheme="ISO/ASTM 52901")
    pointers = [refusal.value.problems[0].pointer for refusal in (dates, blank, purchase)]
    assert pointers == ["/valid_to", "/scheme", "/scheme"]
    assert a_certificate(valid_to=date(2025, 2, 1)).valid_to == date(2025, 2, 1)


# ---------------------------------------------------------------- verification


def test_a_verified_certificate_counts_and_is_told(engine: Engine) -> None:
    waiting = added(engine)

    view = verified_by_operator(engine, waiting.certificate_id)

    assert (view.verified_by, view.verified_at, view.submitted_by) == (OPERATOR_KEY, LATER, BUREAU_KEY)
    assert audit(engine) == [("certificate.added", BUREAU_KEY), ("certificate.verified", OPERATOR_KEY)]
    assert told(engine) == [(view.certificate_id, "certificate_verified")]


def test_verifying_twice_verifies_once(engine: Engine) -> None:
    waiting = added(engine)

    first = verified_by_operator(engine, waiting.certificate_id)

    assert verified_by_operator(engine, waiting.certificate_id) == first
    assert len(audit(engine)) == 2
    assert len(told(engine)) == 1


def test_certificates_that_wait_are_in_the_snapshot_but_not_verified(engine: Engine) -> None:
    waiting, counting = added(engine), added(engine, verified=True)

    with unit_of_work(engine) as session:
        held = read_qualifications(session, revision_ids=[], node_ids=["N101"]).certificates["N101"]
        nobody = read_qualifications(session, revision_ids=[], node_ids=["N102"]).certificates
    assert {view.certificate_id: view.verified for view in held} == {
        waiting.certificate_id: False,
        counting.certificate_id: True,
    }
    assert nobody == {}


# ---------------------------------------------------------------- evidence


def test_evidence_is_noted_with_its_name_and_the_same_file_again_changes_nothing(engine: Engine) -> None:
    waiting = added(engine)

    view = with_evidence(engine, waiting.certificate_id)

    assert (view.evidence_sha256, view.evidence_name, view.evidence_media_type) == (
        PDF.sha256,
        PDF.name,
        PDF.media_type,
    )
    assert with_evidence(engine, waiting.certificate_id) == view
    assert audit(engine)[1:] == [("certificate.evidence_attached", BUREAU_KEY)]
    assert told(engine) == []


def test_what_was_verified_keeps_its_evidence(engine: Engine) -> None:
    waiting = added(engine)
    with_evidence(engine, waiting.certificate_id)
    other = replace(PDF, sha256="b" * 64)
    assert with_evidence(engine, waiting.certificate_id, other).evidence_sha256 == other.sha256
    verified_by_operator(engine, waiting.certificate_id)

    with pytest.raises(EvidenceFrozen, match=r"was verified with iso9001\.pdf: add a new one") as refusal:
        with_evidence(engine, waiting.certificate_id)
    assert refusal.value.status == 409
    assert table(engine, "SELECT evidence_sha256 FROM certificates") == [(other.sha256,)]


def test_a_certificate_that_was_verified_without_evidence_may_get_some(engine: Engine) -> None:
    counting = added(engine, verified=True)

    view = with_evidence(engine, counting.certificate_id)

    assert view.evidence_sha256 == PDF.sha256
    assert view.verified_by == OPERATOR_KEY


# ---------------------------------------------------------------- revocation


def test_a_revoked_certificate_says_who_when_and_why_and_counts_no_more(engine: Engine) -> None:
    counting = added(engine, verified=True)

    view = revoked(engine, counting.certificate_id, "  audit failed ")

    assert (view.revoked_by, view.revoked_at, view.revocation_reason) == (OPERATOR_KEY, LATER, "audit failed")
    assert view.state_on(NOW.date()) == "revoked"
    assert audit(engine)[1:] == [("certificate.revoked", OPERATOR_KEY)]
    assert told(engine)[1:] == [(counting.certificate_id, "certificate_revoked")]
    with unit_of_work(engine) as session:
        assert read_qualifications(session, revision_ids=[]).certificates == {}
        assert get_certificate(session, certificate_id=counting.certificate_id) == view


def test_revoking_twice_keeps_the_first_reason(engine: Engine) -> None:
    counting = added(engine, verified=True)
    first = revoked(engine, counting.certificate_id)

    assert revoked(engine, counting.certificate_id, "another") == first
    assert len(audit(engine)) == 2


def test_nothing_can_be_done_with_a_revoked_certificate(engine: Engine) -> None:
    waiting = added(engine)
    revoked(engine, waiting.certificate_id)

    with pytest.raises(CertificateRevoked, match="was revoked on 2026-06-16: add a new one"):
        verified_by_operator(engine, waiting.certificate_id)
    with pytest.raises(CertificateRevoked) as refusal:
        with_evidence(engine, waiting.certificate_id)
    assert refusal.value.status == 409
    assert table(engine, "SELECT verified_at, evidence_sha256 FROM certificates") == [(None, None)]


def test_a_revocation_needs_a_reason(engine: Engine) -> None:
    counting = added(engine, verified=True)

    with pytest.raises(InvalidCertificate, match="say why") as refusal:
        revoked(engine, counting.certificate_id, "  ")

    assert refusal.value.problems[0].pointer == "/reason"
    assert table(engine, "SELECT revoked_at FROM certificates") == [(None,)]


def test_unknown_certificates_are_called_that(engine: Engine) -> None:
    for act in (verified_by_operator, revoked, with_evidence):
        with pytest.raises(UnknownCertificate, match="there is no certificate cert_none") as refusal:
            act(engine, "cert_none")
        assert refusal.value.status == 404


def test_verified_and_revoked_at_once_ends_revoked(engine: Engine) -> None:
    waiting = [added(engine).certificate_id for _ in range(6)]

    def verify_all() -> int:
        done = 0
        for certificate_id in waiting:
            try:
                verified_by_operator(engine, certificate_id)
                done += 1
            except CertificateRevoked:
                continue
        return done

    def revoke_all() -> int:
        return len([revoked(engine, certificate_id) for certificate_id in reversed(waiting)])

    verified, taken = at_once(verify_all, revoke_all)

    assert taken == 6
    assert table(engine, "SELECT count(*) FROM certificates WHERE revoked_at IS NOT NULL") == [(6,)]
    assert table(engine, "SELECT count(*) FROM certificates WHERE verified_at IS NOT NULL") == [(verified,)]


# ---------------------------------------------------------------- listing


def test_certificates_are_listed_by_node_scheme_and_end(engine: Engine) -> None:
    first = added(engine, verified=True).certificate_id
    ends = added(engine, a_certificate(scheme="EN9100", valid_to=date(2026, 7, 1)), verified=True).certificate_id
    other = added(engine, a_certificate(node_id="N102", valid_to=date(2026, 6, 30))).certificate_id
    gone = added(engine, a_certificate(valid_to=date(2026, 6, 20)), verified=True).certificate_id
    revoked(engine, gone)

    def found(session: Session) -> list[list[str]]:
        pages = (
            list_certificates(session),
            list_certificates(session, node_ids=["N102"]),
            list_certificates(session, node_ids=[]),
            list_certificates(session, scheme="EN9100"),
            list_certificates(session, expiring_before=date(2026, 7, 1)),
            list_certificates(session, expiring_before=date(2026, 7, 2)),
            list_certificates(session, waiting=True),
        )
        return [[view.certificate_id for view in page.items] for page in pages]

    assert in_transaction(engine, found) == [
        [first, ends, other, gone],
        [other],
        [],
        [ends],
        [other],
        [ends, other],
        [other],
    ]


def test_long_lists_come_in_pages(engine: Engine) -> None:
    known = [added(engine).certificate_id for _ in range(3)]

    with unit_of_work(engine) as session:
        first = list_certificates(session, limit=2)
        last = list_certificates(session, limit=2, cursor=first.next_cursor)

    assert [view.certificate_id for view in first.items] == known[:2]
    assert [view.certificate_id for view in last.items] == known[2:]
    assert (first.next_cursor, last.next_cursor) == (known[1], None)
