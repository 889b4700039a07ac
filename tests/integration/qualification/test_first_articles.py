"""First articles one at a time: approved by the part's owner, renewed, kept alive by production, revoked, listed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import UnknownRevision, add_revision, register_part
from fabroute.qualification.service import (
    Evidence,
    Expiry,
    FirstArticleView,
    InvalidCertificate,
    NewCertificate,
    NewFirstArticle,
    UnknownFirstArticle,
    add_certificate,
    add_first_article,
    expiring,
    get_first_article,
    list_first_articles,
    note_production,
    read_qualifications,
    revoke_certificate,
    revoke_first_article,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.inventory import a_part, a_revision
from tests.factories.network import save_a_network
from tests.factories.organisations import NOW, OWNER

OWNER_KEY = "key_owner"
REVISION = "rev_org_owner_AP-0101_A"
KEY = (REVISION, "N101-A", "PA12-MJF", "PS-1")
TODAY = NOW.date()
LATER = NOW + timedelta(days=1)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for a database with one node and one draft part of nylon."""
    with engine_for(database.url, connections=4) as made:
        with unit_of_work(made) as session:
            save_a_network(session)
            register_part(session, part=a_part(), now=NOW)
            add_revision(session, revision=a_revision(), now=NOW)
        yield made


def an_article(
    *,
    revision_id: str = REVISION,
    node_id: str = "N101",
    machine_id: str = "N101-A",
    material: str = "PA12-MJF",
    parameter_set: str = "PS-1",
    approved_on: date = date(2025, 9, 1),
    last_production_on: date = date(2026, 3, 1),
    note: str = "",
) -> NewFirstArticle:
    return NewFirstArticle(
        revision_id=revision_id,
        node_id=node_id,
        machine_id=machine_id,
        material=material,
        parameter_set=parameter_set,
        approved_on=approved_on,
        last_production_on=last_production_on,
        note=note,
    )


def approved(
    engine: Engine,
    article: NewFirstArticle | None = None,
    *,
    organisation_id: str = OWNER,
    actor: str = OWNER_KEY,
    evidence: Evidence | None = None,
) -> FirstArticleView:
    return in_transaction(
        engine,
        lambda session: add_first_article(
            session,
            organisation_id=organisation_id,
            first_article=article or an_article(),
            actor=actor,
            now=NOW,
            evidence=evidence,
        ),
    )


def revoked(engine: Engine, first_article_id: str, reason: str = "cracks") -> FirstArticleView:
    return in_transaction(
        engine,
        lambda session: revoke_first_article(
            session, first_article_id=first_article_id, reason=reason, actor=OWNER_KEY, now=LATER
        ),
    )


def certified(engine: Engine, *, valid_to: date, verified: bool = True) -> str:
    certificate = NewCertificate(
        node_id="N101", scheme="ISO9001", scope="*", valid_from=date(2020, 1, 1), valid_to=valid_to
    )
    return in_transaction(
        engine,
        lambda session: add_certificate(
            session, certificate=certificate, actor="key_operator", verified=verified, now=NOW
        ),
    ).certificate_id


def ending(engine: Engine, within_days: int, *, today: date = TODAY) -> tuple[Expiry, ...]:
    return in_transaction(engine, lambda session: expiring(session, within_days=within_days, today=today))


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def audit(engine: Engine) -> list[tuple[object, ...]]:
    sql = "SELECT action, actor, organisation_id FROM audit_entries WHERE subject_type = 'first_article' ORDER BY id"
    return table(engine, sql)


# ---------------------------------------------------------------- approval


def test_the_owner_approves_a_first_article_with_its_evidence(engine: Engine) -> None:
    report = Evidence(sha256="c" * 64, name="fai.pdf", media_type="application/pdf")

    view = approved(engine, an_article(note="lot 4"), evidence=report)

    assert (view.approved_by, view.note, view.evidence_sha256) == (OWNER_KEY, "lot 4", report.sha256)
    assert (view.ends_on, view.state_on(TODAY)) == (date(2028, 3, 1), "valid")
    assert audit(engine) == [("first_article.added", OWNER_KEY, OWNER)]
    assert table(engine, "SELECT data->>'reason' FROM outbox_events WHERE subject_type = 'first_article'") == [
        ("first_article_added",)
    ]
    with unit_of_work(engine) as session:
        assert read_qualifications(session, revision_ids=[REVISION]).first_articles == {KEY: view}
        assert get_first_article(session, first_article_id=view.first_article_id) == view


def test_nobody_but_the_owner_approves(engine: Engine) -> None:
    with pytest.raises(UnknownRevision, match="you have no part revision") as refusal:
        approved(engine, organisation_id="org_bureau")
    with pytest.raises(UnknownRevision):
        approved(engine, an_article(revision_id="rev_none"))

    assert refusal.value.status == 404
    assert table(engine, "SELECT id FROM first_articles") == []


@pytest.mark.parametrize(
    ("article", "pointer", "words"),
    [
        (an_article(node_id="N999"), "/node_id", "there is no node N999. Allowed: N101"),
        (an_article(machine_id="M-X"), "/machine_id", "N101 has no machine M-X. Allowed: N101-A"),
        (an_article(material="316L"), "/material", "N101-A prints no 316L. Allowed: PA12-MJF"),
        (
            an_article(parameter_set="PS-9"),
            "/parameter_set",
            "N101-A has no parameter set PS-9 for PA12-MJF. Allowed: PS-1",
        ),
        (
            an_article(last_production_on=date(2026, 6, 16)),
            "/last_production_on",
            "the last production was on 2026-06-16, which is to come: today is 2026-06-15",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    engine: Engine, article: NewFirstArticle, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidCertificate) as refusal:
        approved(engine, article)

    assert [(problem.pointer, problem.message) for problem in refusal.value.problems] == [(pointer, words)]
    assert table(engine, "SELECT id FROM first_articles") == []
    assert audit(engine) == []


def test_a_material_that_the_part_may_not_be_made_of_is_refused(engine: Engine) -> None:
    table(engine, "UPDATE part_revisions SET process_materials = '{LPBF:316L}' RETURNING id")

    with pytest.raises(InvalidCertificate, match=r"AP-0101 may not be made as MJF:PA12-MJF\. Allowed: LPBF:316L"):
        approved(engine)
    assert table(engine, "SELECT id FROM first_articles") == []


def test_a_parameter_set_that_the_part_does_not_name_is_refused(engine: Engine) -> None:
    table(engine, "UPDATE part_revisions SET parameter_sets = '{PS-7,PS-8}' RETURNING id")

    with pytest.raises(InvalidCertificate, match=r"AP-0101 may not be made with PS-1\. Allowed: PS-7, PS-8") as refusal:
        approved(engine)
    assert refusal.value.problems[0].pointer == "/parameter_set"


def test_a_first_article_is_renewed_in_its_place_also_after_it_lapsed_or_was_revoked(engine: Engine) -> None:
    first = approved(engine, an_article(approved_on=date(2023, 1, 1), last_production_on=date(2023, 1, 1)))
    revoked(engine, first.first_article_id)

    view = approved(engine, an_article(approved_on=date(2026, 6, 1), last_production_on=date(2026, 6, 1)), actor="k2")

    assert view.first_article_id == first.first_article_id
    assert (view.approved_on, view.last_production_on, view.approved_by) == (date(2026, 6, 1), date(2026, 6, 1), "k2")
    assert (view.revoked, view.revocation_reason, view.revoked_by) == (False, "", None)
    assert [action for action, *_ in audit(engine)] == [
        "first_article.added",
        "first_article.revoked",
        "first_article.renewed",
    ]


# ---------------------------------------------------------------- production and revocation


def test_production_begins_the_two_years_again_and_an_earlier_day_does_not(engine: Engine) -> None:
    approved(engine)

    def last_after(day: date) -> list[tuple[object, ...]]:
        in_transaction(engine, lambda session: note_production(session, produced=KEY, day=day))
        return table(engine, "SELECT last_production_on FROM first_articles")

    assert last_after(date(2026, 6, 14)) == [(date(2026, 6, 14),)]
    assert last_after(date(2026, 6, 1)) == [(date(2026, 6, 14),)]


def test_production_does_not_bring_back_what_was_revoked_or_never_approved(engine: Engine) -> None:
    view = approved(engine)
    revoked(engine, view.first_article_id)

    with unit_of_work(engine) as session:
        note_production(session, produced=KEY, day=TODAY)
        note_production(session, produced=(REVISION, "N101-B", "PA12-MJF", "PS-1"), day=TODAY)

    assert table(engine, "SELECT last_production_on FROM first_articles") == [(date(2026, 3, 1),)]


def test_a_revoked_first_article_says_who_when_and_why_and_counts_no_more(engine: Engine) -> None:
    view = approved(engine)

    gone = revoked(engine, view.first_article_id, " cracks in the corner ")

    assert (gone.revoked_by, gone.revoked_at) == (OWNER_KEY, LATER)
    assert (gone.revocation_reason, gone.state_on(TODAY)) == ("cracks in the corner", "revoked")
    assert revoked(engine, view.first_article_id, "another") == gone
    assert [action for action, *_ in audit(engine)] == ["first_article.added", "first_article.revoked"]
    with unit_of_work(engine) as session:
        assert read_qualifications(session, revision_ids=[REVISION]).first_articles == {}


def test_a_revocation_needs_a_reason_and_a_first_article(engine: Engine) -> None:
    view = approved(engine)

    with pytest.raises(InvalidCertificate, match="say why"):
        revoked(engine, view.first_article_id, "")
    with pytest.raises(UnknownFirstArticle, match="there is no first article fa_none") as refusal:
        revoked(engine, "fa_none")
    assert refusal.value.status == 404
    assert table(engine, "SELECT revoked_at FROM first_articles") == [(None,)]


def test_first_articles_are_listed_by_revision_and_node(engine: Engine) -> None:
    view = approved(engine)
    gone = revoked(engine, view.first_article_id)

    with unit_of_work(engine) as session:
        assert list_first_articles(session, revision_id=REVISION) == (gone,)
        assert list_first_articles(session, node_id="N101") == (gone,)
        assert list_first_articles(session, revision_id=REVISION, node_id="N102") == ()
        with pytest.raises(ValueError, match="name a revision or a node"):
            list_first_articles(session)


# ---------------------------------------------------------------- what ends soon


def test_what_ends_is_listed_ahead_with_the_days_left(engine: Engine) -> None:
    soon = certified(engine, valid_to=TODAY + timedelta(days=30))
    today = certified(engine, valid_to=TODAY)
    article = approved(engine, an_article(approved_on=date(2024, 1, 1), last_production_on=date(2024, 6, 25)))

    found = ending(engine, 30)

    assert [(each.kind, each.subject_id, each.ends_on, each.days_left) for each in found] == [
        ("certificate", today, TODAY, 0),
        ("first_article", article.first_article_id, date(2026, 6, 25), 10),
        ("certificate", soon, date(2026, 7, 15), 30),
    ]
    assert [each.node_id for each in found] == ["N101"] * 3
    assert found[1].first_article == article
    assert found[2].certificate is not None


def test_what_ended_what_waits_what_was_revoked_and_what_lasts_longer_is_left_out(engine: Engine) -> None:
    certified(engine, valid_to=TODAY - timedelta(days=1))
    certified(engine, valid_to=TODAY + timedelta(days=31))
    certified(engine, valid_to=TODAY + timedelta(days=5), verified=False)
    gone = certified(engine, valid_to=TODAY + timedelta(days=5))
    with unit_of_work(engine) as session:
        revoke_certificate(session, certificate_id=gone, reason="fraud", actor="key_operator", now=NOW)

    assert ending(engine, 30) == ()
    assert len(ending(engine, 31)) == 1


@pytest.mark.parametrize(
    ("produced", "today", "within_days", "days_left"),
    [
        (date(2024, 6, 15), date(2026, 6, 15), 0, [0]),
        (date(2024, 6, 14), date(2026, 6, 15), 0, []),
        (date(2024, 6, 16), date(2026, 6, 15), 0, []),
        (date(2024, 2, 29), date(2026, 2, 28), 0, [0]),
        (date(2024, 2, 28), date(2026, 2, 28), 0, [0]),
        (date(2023, 3, 1), date(2025, 2, 28), 1, [1]),
        (date(2022, 3, 1), date(2024, 2, 28), 2, [2]),
        (date(2022, 2, 28), date(2024, 2, 28), 0, [0]),
    ],
)
def test_two_years_are_counted_to_the_day_with_and_without_leap_days(
    engine: Engine, produced: date, today: date, within_days: int, days_left: list[int]
) -> None:
    approved(engine, an_article(approved_on=produced, last_production_on=produced))

    found = ending(engine, within_days, today=today)

    assert [each.days_left for each in found] == days_left
    assert [each.kind for each in found] == ["first_article"] * len(days_left)


def test_only_the_nodes_that_are_asked_for_are_listed(engine: Engine) -> None:
    certified(engine, valid_to=TODAY + timedelta(days=3))
    approved(engine, replace(an_article(), approved_on=date(2024, 1, 1), last_production_on=date(2024, 6, 20)))

    with unit_of_work(engine) as session:
        here = expiring(session, within_days=30, today=TODAY, node_ids=["N101"])
        elsewhere = expiring(session, within_days=30, today=TODAY, node_ids=["N102"])
    assert [each.days_left for each in here] == [3, 5]
    assert elsewhere == ()
