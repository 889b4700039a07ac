"""Print licences: granted, held for jobs, counted, given back; never more than granted, whoever asks at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service import AuditedRefusal
from fabroute.inventory.service import (
    InvalidLicence,
    LicenceExhausted,
    LicenceFrozen,
    LicenceLease,
    LicenceRevoked,
    LicenceView,
    NewLicence,
    ReasonMissing,
    UnknownLicence,
    UnknownRevision,
    count_good_print,
    get_licence,
    grant_licence,
    lease_of,
    lease_prints,
    leases_of,
    list_licences,
    read_licences,
    return_leases,
    revoke_licence,
    withdraw_revision,
)
from fabroute.inventory.states import RevisionStateConflict
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.inventory import a_revision, save_a_released_part
from tests.factories.organisations import NOW, OWNER, save_organisations

REVISION = "rev_org_owner_AP-0101_A"
FIGURES = "SELECT granted_prints, good_prints, leased_prints FROM print_licences"


def given_licence(session: Session, *, prints: int = 3, valid_to: date | None = None, **scope: tuple[str, ...]) -> str:
    """Grant prints of a released revision and return the licence's id."""
    save_a_released_part(session)
    return granted(session, prints=prints, valid_to=valid_to, **scope).licence_id


def granted(
    session: Session,
    *,
    prints: int = 3,
    valid_to: date | None = None,
    node_ids: tuple[str, ...] = (),
    countries: tuple[str, ...] = (),
) -> LicenceView:
    licence = NewLicence(
        revision_id=REVISION, prints=prints, node_ids=node_ids, countries=countries, valid_to=valid_to, note="spring"
    )
    return grant_licence(session, organisation_id=OWNER, licence=licence, actor="key_1", now=NOW)


def held(session: Session, licence_id: str, *, job_id: str = "job_1", prints: int = 3) -> bool:
    """Hold prints for a job and return whether it got them."""
    lease = LicenceLease(job_id=job_id, licence_id=licence_id, prints=prints)
    return lease_prints(session, leases=(lease,), now=NOW) == frozenset()


# ---------------------------------------------------------------- granting


def test_a_licence_is_granted_audited_told_and_shown(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        licence_id = given_licence(session, valid_to=date(2026, 12, 31), node_ids=("N001",), countries=("DE",))
    with unit_of_work(engine) as session:
        view = get_licence(session, organisation_id=OWNER, licence_id=licence_id)
        assert (view.granted_prints, view.good_prints, view.leased_prints, view.left) == (3, 0, 0, 3)
        assert (view.node_ids, view.countries, view.valid_to) == (("N001",), ("DE",), date(2026, 12, 31))
        assert (view.state, view.granted_by, view.granted_at, view.note) == ("active", "key_1", NOW, "spring")
        assert list_licences(session, organisation_id=OWNER, revision_id=REVISION).items == (view,)
        assert read_licences(session, revision_ids=[REVISION, "rev_none"]) == {REVISION: (view,)}
        told = rows(session, "SELECT name, subject_id, data FROM outbox_events ORDER BY id DESC LIMIT 2")
        assert told[1][:2] == ("print_licence.granted", licence_id)
        assert told[1][2] == {"revision_id": REVISION, "node_ids": "N001", "unprinted": 3, "reason": ""}
        assert told[0] == ("network.changed", REVISION, {"reason": "licence_granted"})
        audit = rows(session, "SELECT actor, organisation_id FROM audit_entries WHERE action = 'print_licence.granted'")
        assert audit == [("key_1", OWNER)]


def test_licences_come_in_pages_and_only_to_their_owner(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
        ids = [granted(session, prints=number).licence_id for number in (1, 2, 3)]
        first = list_licences(session, organisation_id=OWNER, limit=2)
        assert ([it.licence_id for it in first.items], first.next_cursor) == (ids[:2], ids[1])
        last = list_licences(session, organisation_id=OWNER, limit=2, cursor=ids[1])
        assert ([it.granted_prints for it in last.items], last.next_cursor) == ([3], None)
        assert list_licences(session, organisation_id="org_bureau").items == ()
        with pytest.raises(UnknownLicence) as refusal:
            get_licence(session, organisation_id="org_bureau", licence_id=ids[0])
        assert refusal.value.status == 404


@pytest.mark.parametrize(
    ("prints", "nodes", "countries", "pointer"),
    [
        (0, (), (), "/prints"),
        (1_000_001, (), (), "/prints"),
        (1, ("N 1",), (), "/node_ids/0"),
        (1, ("N1", "N1"), (), "/node_ids/1"),
        (1, (), ("DE", "de"), "/countries/1"),
    ],
)
def test_a_licence_that_could_not_be_used_is_refused(
    prints: int, nodes: tuple[str, ...], countries: tuple[str, ...], pointer: str
) -> None:
    with pytest.raises(InvalidLicence) as refusal:
        NewLicence(revision_id=REVISION, prints=prints, node_ids=nodes, countries=countries)
    assert [problem.pointer for problem in refusal.value.problems] == [pointer]
    assert (refusal.value.code, refusal.value.status) == ("invalid_licence", 422)


def test_nothing_is_granted_that_has_ended_or_of_a_revision_that_is_not_printed(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
        with pytest.raises(InvalidLicence, match="ended on 2026-06-14"):
            granted(session, valid_to=NOW.date() - timedelta(days=1))
        assert granted(session, valid_to=NOW.date()).left == 3
        with pytest.raises(UnknownRevision):
            grant_licence(
                session,
                organisation_id="org_bureau",
                licence=NewLicence(revision_id=REVISION, prints=1),
                actor="key_9",
                now=NOW,
            )
        save_a_released_part(session, revision=a_revision(revision="B"))
        with pytest.raises(RevisionStateConflict, match="revision A is superseded: nothing is printed of it"):
            granted(session)


def test_a_revoked_licence_says_why_and_stays_revoked(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        licence_id = given_licence(session)
        with pytest.raises(ReasonMissing):
            revoke_licence(session, organisation_id=OWNER, licence_id=licence_id, reason=" ", actor="key_2", now=NOW)
        view = revoke_licence(
            session, organisation_id=OWNER, licence_id=licence_id, reason="recall", actor="key_2", now=NOW
        )
        assert (view.state, view.state_reason, view.version) == ("revoked", "recall", 2)
        assert not held(session, licence_id)
        with pytest.raises(LicenceRevoked, match="revoked already") as refusal:
            revoke_licence(
                session, organisation_id=OWNER, licence_id=licence_id, reason="again", actor="key_2", now=NOW
            )
        assert refusal.value.status == 409
        told = rows(session, "SELECT name, data ->> 'reason' FROM outbox_events ORDER BY id DESC LIMIT 1")
        assert told == [("print_licence.revoked", "recall")]


# ---------------------------------------------------------------- holding and counting


def test_prints_are_held_whole_or_not_at_all_and_come_back_unprinted(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        licence_id = given_licence(session, prints=5)
        assert held(session, licence_id, job_id="job_1", prints=3)
        assert not held(session, licence_id, job_id="job_2", prints=3)
        assert held(session, licence_id, job_id="job_3", prints=2)
        assert rows(session, FIGURES) == [(5, 0, 5)]
        count_good_print(session, job_id="job_1", now=NOW)
        return_leases(session, job_ids=["job_1", "job_2", "job_none"], now=NOW)
        assert rows(session, FIGURES) == [(5, 1, 2)]
        return_leases(session, job_ids=["job_1"], now=NOW)
        assert rows(session, FIGURES) == [(5, 1, 2)]
        lease = lease_of(session, job_id="job_1")
        assert lease is not None
        assert (lease.prints, lease.good_prints, lease.left, lease.released_at) == (3, 1, 0, NOW)
        assert lease_of(session, job_id="job_2") is None
        assert list(leases_of(session, job_ids=["job_1", "job_2", "job_3"])) == ["job_1", "job_3"]


def test_of_several_jobs_in_one_commit_the_first_get_what_is_left(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        one = given_licence(session, prints=4)
        other = granted(session, prints=1).licence_id
        wanted = [("job_c", one, 2), ("job_a", one, 3), ("job_d", other, 1), ("job_b", one, 1), ("job_e", "none", 1)]
        leases = [LicenceLease(job_id=job, licence_id=licence, prints=prints) for job, licence, prints in wanted]
        assert lease_prints(session, leases=leases, now=NOW) == {"job_c", "job_e"}
        assert lease_prints(session, leases=(), now=NOW) == frozenset()
        assert sorted(rows(session, FIGURES)) == [(1, 0, 1), (4, 0, 4)]


def test_a_licence_that_has_ended_holds_nothing_more(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        licence_id = given_licence(session, valid_to=NOW.date())
        lease = LicenceLease(job_id="job_1", licence_id=licence_id, prints=1)
        assert lease_prints(session, leases=(lease,), now=NOW + timedelta(days=1)) == {"job_1"}
        assert lease_prints(session, leases=(lease,), now=NOW) == frozenset()
        with pytest.raises(LicenceFrozen, match="ended on 2026-06-15"):
            count_good_print(session, job_id="job_1", now=NOW + timedelta(days=1))
        count_good_print(session, job_id="job_1", now=NOW)
        assert rows(session, FIGURES) == [(3, 1, 0)]


def test_the_fourth_good_print_of_three_is_refused_for_the_audit_log(engine: Engine) -> None:
    """S7: three prints granted, three good ones made; whatever the node says, the fourth does not count."""
    with unit_of_work(engine) as session:
        licence_id = given_licence(session)
        held(session, licence_id)
    for _ in range(3):
        with unit_of_work(engine) as session:
            count_good_print(session, job_id="job_1", now=NOW)
    with unit_of_work(engine) as session:
        with pytest.raises(LicenceExhausted, match="holds 3 prints for job job_1, all of them are made") as refusal:
            count_good_print(session, job_id="job_1", now=NOW, actor="key_node")
        assert rows(session, FIGURES) == [(3, 3, 0)]
    assert isinstance(refusal.value, AuditedRefusal)
    entry = refusal.value.entry
    assert (entry.actor, entry.action, entry.subject_id) == ("key_node", "print_licence.print_refused", licence_id)
    assert (entry.organisation_id, entry.occurred_at) == (OWNER, NOW)
    assert entry.data == {"job_id": "job_1", "code": "licence_exhausted", "good_prints": 3, "prints": 3}
    assert (refusal.value.code, refusal.value.status) == ("licence_exhausted", 409)


def test_a_job_without_a_licence_counts_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_licence(session)
        count_good_print(session, job_id="job_free", now=NOW)
        assert rows(session, FIGURES) == [(3, 0, 0)]
        assert leases_of(session, job_ids=["job_free"]) == {}


def test_what_was_given_back_is_not_printed(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        held(session, given_licence(session))
        return_leases(session, job_ids=["job_1"], now=NOW)
        with pytest.raises(LicenceExhausted, match="were given back on 2026-06-15"):
            count_good_print(session, job_id="job_1", now=NOW)
        assert rows(session, FIGURES) == [(3, 0, 0)]


def test_releasing_the_next_revision_freezes_what_is_not_printed_and_tells(engine: Engine) -> None:
    """S7: when revision D is released, the unprinted licences on C freeze and the depot is told."""
    with unit_of_work(engine) as session:
        licence_id = given_licence(session, node_ids=("N001", "N002"))
        held(session, licence_id)
        count_good_print(session, job_id="job_1", now=NOW)
        save_a_released_part(session, revision=a_revision(revision="B"))
    with unit_of_work(engine) as session:
        with pytest.raises(LicenceFrozen, match=r"is frozen \(superseded by revision B\)"):
            count_good_print(session, job_id="job_1", now=NOW)
        view = get_licence(session, organisation_id=OWNER, licence_id=licence_id)
        assert (view.state, view.state_reason, view.good_prints) == ("frozen", "superseded by revision B", 1)
        lease = lease_of(session, job_id="job_1")
        assert lease is not None
        assert (lease.licence_state, lease.usable(today=NOW.date())) == ("frozen", False)
        told = rows(session, "SELECT data FROM outbox_events WHERE name = 'print_licence.frozen'")
        assert told == [
            (
                {
                    "revision_id": REVISION,
                    "node_ids": "N001 N002",
                    "unprinted": 2,
                    "reason": "superseded by revision B",
                },
            )
        ]
        return_leases(session, job_ids=["job_1"], now=NOW)
        assert rows(session, FIGURES) == [(3, 1, 0)]


def test_withdrawing_a_revision_freezes_its_licences(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        licence_id = given_licence(session)
        withdraw_revision(session, revision_id=REVISION, actor="key_1", reason="cracks", now=NOW)
        view = get_licence(session, organisation_id=OWNER, licence_id=licence_id)
        assert (view.state, view.state_reason) == ("frozen", "revision A was withdrawn")


# ---------------------------------------------------------------- at once


def test_of_sixty_four_jobs_at_once_exactly_as_many_get_prints_as_were_granted(database: Database) -> None:
    with engine_for(database.url, connections=32) as engine:
        with unit_of_work(engine) as session:
            save_organisations(session)
            licence_id = given_licence(session, prints=17)

        def ask(number: int) -> bool:
            with unit_of_work(engine) as session:
                return held(session, licence_id, job_id=f"job_{number:02}", prints=1)

        with ThreadPoolExecutor(max_workers=32) as pool:
            got = list(pool.map(ask, range(64)))
        with unit_of_work(engine) as session:
            assert got.count(True) == 17
            assert rows(session, FIGURES) == [(17, 0, 17)]
            assert rows(session, "SELECT count(*), sum(prints) FROM print_licence_leases") == [(17, 17)]


def test_of_sixty_four_good_prints_at_once_exactly_as_many_count_as_are_held(database: Database) -> None:
    with engine_for(database.url, connections=32) as engine:
        with unit_of_work(engine) as session:
            save_organisations(session)
            held(session, given_licence(session, prints=20), prints=9)

        def report(_: int) -> bool:
            try:
                with unit_of_work(engine) as session:
                    count_good_print(session, job_id="job_1", now=NOW)
            except LicenceExhausted:
                return False
            return True

        with ThreadPoolExecutor(max_workers=32) as pool:
            counted = list(pool.map(report, range(64)))
        with unit_of_work(engine) as session:
            assert counted.count(True) == 9
            assert rows(session, FIGURES) == [(20, 9, 0)]


def test_holding_counting_and_giving_back_at_once_never_breaks_the_sum_nor_locks_up(database: Database) -> None:
    with engine_for(database.url, connections=16) as engine:
        with unit_of_work(engine) as session:
            save_organisations(session)
            save_a_released_part(session)
            ids = [granted(session, prints=8).licence_id for _ in range(3)]

        def live(number: int) -> None:
            wanted = [
                LicenceLease(job_id=f"job_{number}_{place}", licence_id=licence_id, prints=1 + number % 3)
                for place, licence_id in enumerate(ids if number % 2 else reversed(ids))
            ]
            with unit_of_work(engine) as session:
                refused = lease_prints(session, leases=wanted, now=NOW)
            jobs = [lease.job_id for lease in wanted if lease.job_id not in refused]
            for job_id in jobs[:1]:
                with unit_of_work(engine) as session:
                    count_good_print(session, job_id=job_id, now=NOW)
            with unit_of_work(engine) as session:
                return_leases(session, job_ids=jobs, now=NOW)

        with ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(live, range(48)))
        with unit_of_work(engine) as session:
            good = rows(session, "SELECT sum(good_prints) FROM print_licence_leases")
            assert rows(session, "SELECT sum(good_prints), sum(leased_prints) FROM print_licences") == [(*good[0], 0)]
            assert rows(session, "SELECT count(*) FROM print_licence_leases WHERE released_at IS NULL") == [(0,)]
