"""Certificates and first articles: saving, saving again, reading, telling."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import add_revision, register_part
from fabroute.qualification.service import (
    InvalidCertificate,
    NewCertificate,
    NewFirstArticle,
    read_qualifications,
    save_certificates,
    save_first_articles,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.inventory import a_part, a_revision
from tests.factories.network import save_a_network
from tests.factories.organisations import NOW

EVENTS = "SELECT name, subject_type, data FROM outbox_events WHERE subject_type <> 'part_revision' ORDER BY id"
REVISION = "rev_org_owner_AP-0101_A"


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for a database with one node and one part."""
    with engine_for(database.url) as made:
        with unit_of_work(made) as session:
            save_a_network(session)
            register_part(session, part=a_part(), now=NOW)
            add_revision(session, revision=a_revision(), now=NOW)
        yield made


def a_certificate(*, certificate_id: str = "cert_1", valid_to: date = date(2027, 1, 31)) -> NewCertificate:
    return NewCertificate(
        certificate_id=certificate_id,
        node_id="N101",
        scheme="ISO9001",
        scope="*",
        valid_from=date(2025, 2, 1),
        valid_to=valid_to,
    )


def a_first_article(*, first_article_id: str = "fa_1", last_production_on: date = date(2026, 3, 1)) -> NewFirstArticle:
    return NewFirstArticle(
        first_article_id=first_article_id,
        revision_id=REVISION,
        node_id="N101",
        machine_id="N101-A",
        material="PA12-MJF",
        parameter_set="PS-1",
        approved_on=date(2025, 9, 1),
        last_production_on=last_production_on,
    )


def test_certificates_are_saved_once_and_each_change_is_told(engine: Engine) -> None:
    held = (a_certificate(), a_certificate(certificate_id="cert_2"))
    renewed = (a_certificate(valid_to=date(2029, 1, 31)), a_certificate(certificate_id="cert_2"))
    with unit_of_work(engine) as session:
        assert save_certificates(session, certificates=held, now=NOW) == 2
        assert save_certificates(session, certificates=held, now=NOW) == 0
        assert save_certificates(session, certificates=renewed, now=NOW) == 1
        told = ("network.changed", "certificates", {"reason": "certificates_changed"})
        assert rows(session, EVENTS) == [told, told]
        sql = "SELECT action, data FROM audit_entries WHERE subject_type = 'certificates' ORDER BY id"
        assert rows(session, sql) == [("certificates.saved", {"changed": 2}), ("certificates.saved", {"changed": 1})]
        found = read_qualifications(session, revision_ids=[]).certificates
    assert {node: [(view.certificate_id, view.valid_to.year) for view in views] for node, views in found.items()} == {
        "N101": [("cert_1", 2029), ("cert_2", 2027)]
    }


def test_a_revoked_certificate_is_gone_and_saving_it_again_does_not_bring_it_back(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_certificates(session, certificates=(a_certificate(),), now=NOW)
        rows(session, "UPDATE certificates SET revoked_at = :now RETURNING id", now=NOW)
        assert save_certificates(session, certificates=(a_certificate(),), now=NOW) == 0
        assert read_qualifications(session, revision_ids=[]).certificates == {}


def test_first_articles_are_known_by_what_they_prove(engine: Engine) -> None:
    later = a_first_article(first_article_id="fa_2", last_production_on=date(2026, 6, 1))
    with unit_of_work(engine) as session:
        assert save_first_articles(session, first_articles=(a_first_article(),), now=NOW) == 1
        assert save_first_articles(session, first_articles=(later,), now=NOW) == 1
        assert save_first_articles(session, first_articles=(later,), now=NOW) == 0
        assert save_first_articles(session, first_articles=(), now=NOW) == 0
        told = ("network.changed", "first_articles", {"reason": "first_articles_changed"})
        assert rows(session, EVENTS) == [told, told]
        found = read_qualifications(session, revision_ids=[REVISION]).first_articles
        assert read_qualifications(session, revision_ids=["rev_other"]).first_articles == {}
    assert list(found) == [(REVISION, "N101-A", "PA12-MJF", "PS-1")]
    article = found[(REVISION, "N101-A", "PA12-MJF", "PS-1")]
    assert (article.first_article_id, article.last_production_on) == ("fa_1", date(2026, 6, 1))


def test_dates_in_the_wrong_order_are_refused_at_birth() -> None:
    with pytest.raises(InvalidCertificate, match="ends \\(2024-01-01\\) before it begins") as refusal:
        a_certificate(valid_to=date(2024, 1, 1))
    assert refusal.value.status == 422
    assert refusal.value.problems[0].pointer == "/valid_to"
    with pytest.raises(InvalidCertificate, match="the first article is itself a production"):
        a_first_article(last_production_on=date(2025, 8, 31))
