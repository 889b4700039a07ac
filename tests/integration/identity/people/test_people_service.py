"""People in the database, with clocks that the tests set and threads that meet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.ports import SealBroken, VerifiedIdentity
from fabroute.identity.repository import people as people_repository
from fabroute.identity.rules import Principal, Unauthenticated
from fabroute.identity.service.people import linking, members, second_factor, sessions, signing_in, throttle
from fabroute.identity.service.people.passwords import PasswordHashing
from fabroute.identity.service.people.second_factor import SecondFactorRefused, code_at, step_at
from fabroute.integrations.sign_in.secret_key import KeyFileSealer
from fabroute.kernel.errors import DomainError
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import BUREAU, NOW, OWNER
from tests.factories.people import BROWSER, PASSWORD, WEEK, Somebody, audited, given_invitation, given_person

Result = TypeVar("Result")
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
ISSUER = "https://accounts.example"


@pytest.fixture
def sealer(tmp_path: Path) -> KeyFileSealer:
    return KeyFileSealer(tmp_path / "secret-key", create=True)


@pytest.fixture
def ada(people_engine: Engine) -> Somebody:
    return given_person(people_engine, organisation_id=OWNER, now=NOW)


def at_once(engine: Engine, work: Callable[[Session], Result], *, threads: int = 4) -> list[Result | str]:
    """Do the same in several transactions that begin together; a refusal is its code."""
    barrier = Barrier(threads)

    def one(_: int) -> Result | str:
        barrier.wait(10)
        try:
            return in_transaction(engine, work)
        except DomainError as error:
            return error.code

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def given_second_factor(engine: Engine, person: Somebody, sealer: KeyFileSealer) -> tuple[str, tuple[str, ...]]:
    """Return the secret and the recovery codes of a second factor that was confirmed five minutes before now."""
    with unit_of_work(engine) as session:
        secret = second_factor.start_second_factor(session, person_id=person.person_id, sealer=sealer).secret
        earlier = NOW - 5 * MINUTE
        code = code_at(secret, step_at(earlier))
        codes = second_factor.confirm_second_factor(
            session, person_id=person.person_id, code=code, sealer=sealer, now=earlier
        )
    return secret, codes


def let_in(
    session: Session, person: Somebody, *, sealer: KeyFileSealer, code: str | None = None, now: datetime = NOW
) -> sessions.OpenSession:
    """Sign somebody in whose password was right."""
    (account,) = signing_in.find_accounts(session, email=person.email, organisation_id=person.organisation_id)
    entry = signing_in.Entry(account=account, code=code, browser=BROWSER)
    return signing_in.sign_in(session, entry=entry, sealer=sealer, now=now)


def test_a_session_is_good_twelve_hours_after_its_last_use_and_thirty_days_in_all(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer
) -> None:
    with unit_of_work(people_engine) as session:
        token = let_in(session, ada, sealer=sealer).token
        now, uses = NOW, 0
        while now < NOW + timedelta(days=30):
            opened = sessions.authenticate_session(session, token=token, now=now)
            now, uses = now + timedelta(hours=12) - SECOND, uses + 1
        with pytest.raises(Unauthenticated):
            sessions.authenticate_session(session, token=token, now=NOW + timedelta(days=30))
        other = let_in(session, ada, sealer=sealer).token
        with pytest.raises(Unauthenticated, match="sign in again"):
            sessions.authenticate_session(session, token=other, now=NOW + timedelta(hours=12))

    assert uses == 61
    assert opened.session.ends_at == NOW + timedelta(days=30)
    assert (opened.principal.key_id, opened.principal.person_id) == (ada.person_id, ada.person_id)


def test_the_last_use_is_written_once_a_minute(people_engine: Engine, ada: Somebody, sealer: KeyFileSealer) -> None:
    with unit_of_work(people_engine) as session:
        opened = let_in(session, ada, sealer=sealer)
        seen = []
        for later in (59 * SECOND, MINUTE, MINUTE + 59 * SECOND, 3 * MINUTE):
            sessions.authenticate_session(session, token=opened.token, now=NOW + later)
            (kept,) = sessions.list_sessions(session, person_id=ada.person_id, now=NOW + later)
            seen.append(kept.seen_at - NOW)

    assert seen == [timedelta(0), MINUTE, MINUTE, 3 * MINUTE]
    assert kept.user_agent == "Tests/1.0"


def test_sessions_that_are_over_are_swept_away_when_somebody_signs_in(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer
) -> None:
    eve = given_person(people_engine, organisation_id=OWNER, now=NOW)
    count = "SELECT count(*) FROM person_sessions WHERE person_id = :id"
    with unit_of_work(people_engine) as session:
        let_in(session, ada, sealer=sealer)
        let_in(session, eve, sealer=sealer, now=NOW + timedelta(hours=11, minutes=59))
        kept = rows(session, count, id=ada.person_id)
        let_in(session, eve, sealer=sealer, now=NOW + timedelta(hours=12))

        assert rows(session, count, id=ada.person_id) == [(0,)]
        assert rows(session, count, id=eve.person_id) == [(2,)]
    assert kept == [(1,)]


def test_what_a_browser_calls_itself_is_shown_short_and_printable(people_engine: Engine, ada: Somebody) -> None:
    browser = sessions.Browser(address="a" * 500, user_agent="\x1b[31mEvil\x00" + "x" * 500)
    with unit_of_work(people_engine) as session:
        person = people_repository.find_person(session, ada.person_id)
        assert person is not None
        opened = sessions.open_session(session, person=person, method="password", browser=browser, now=NOW)

    assert opened.session.user_agent == "?[31mEvil?" + "x" * 190
    assert len(opened.session.address) == 200


def test_a_link_is_good_for_a_week(people_engine: Engine) -> None:
    token = given_invitation(people_engine, organisation_id=OWNER, now=NOW).token
    with unit_of_work(people_engine) as session:
        early = signing_in.invited_person(session, token=token, now=NOW + WEEK - SECOND)
        with pytest.raises(signing_in.InvitationInvalid, match="ask an admin") as refusal:
            signing_in.accept_invitation(session, token=token, password_hash="x", browser=BROWSER, now=NOW + WEEK)

    assert early.state == "invited"
    assert (refusal.value.status, refusal.value.code) == (410, "invitation_invalid")


def test_a_link_of_who_was_disabled_lets_nobody_in(people_engine: Engine) -> None:
    invited = given_invitation(people_engine, organisation_id=OWNER, now=NOW)
    with unit_of_work(people_engine) as session:
        change = members.PersonChange(is_disabled=True)
        members.change_person(session, person_id=invited.person.person_id, change=change, caller=None, now=NOW)
        with pytest.raises(signing_in.InvitationInvalid):
            signing_in.invited_person(session, token=invited.token, now=NOW)
        back = members.PersonChange(is_disabled=False)
        person = members.change_person(session, person_id=invited.person.person_id, change=back, caller=None, now=NOW)

    assert (person.state, person.version) == ("invited", 3)


def test_nobody_of_a_suspended_organisation_is_signed_in_or_comes_in(
    people_engine: Engine, sealer: KeyFileSealer
) -> None:
    person = given_person(people_engine, organisation_id=BUREAU, now=NOW)
    token = given_invitation(people_engine, organisation_id=BUREAU, now=NOW).token
    suspend = "UPDATE organisations SET suspended_at = %s WHERE id = %s"
    with unit_of_work(people_engine) as session:
        opened = let_in(session, person, sealer=sealer)
        session.connection().exec_driver_sql(suspend, (NOW, BUREAU))
        session.expire_all()
        with pytest.raises(Unauthenticated):
            sessions.authenticate_session(session, token=opened.token, now=NOW)
        with pytest.raises(signing_in.InvitationInvalid):
            signing_in.invited_person(session, token=token, now=NOW)
        assert signing_in.find_accounts(session, email=person.email, organisation_id=None) == ()
        session.connection().exec_driver_sql(suspend, (None, BUREAU))
        session.expire_all()

        assert sessions.authenticate_session(session, token=opened.token, now=NOW).person.person_id == person.person_id


def test_of_many_that_send_the_same_code_at_once_one_comes_in(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer
) -> None:
    secret, codes = given_second_factor(people_engine, ada, sealer)
    code = code_at(secret, step_at(NOW))
    by_code = at_once(people_engine, lambda session: let_in(session, ada, sealer=sealer, code=code).person.person_id)
    by_recovery = at_once(
        people_engine, lambda session: let_in(session, ada, sealer=sealer, code=codes[0]).person.person_id
    )

    assert sorted(by_code) == [ada.person_id, *["second_factor_refused"] * 3]
    assert sorted(by_recovery) == [ada.person_id, *["second_factor_refused"] * 3]
    assert (
        in_transaction(
            people_engine, lambda session: second_factor.recovery_codes_left(session, person_id=ada.person_id)
        )
        == 9
    )


def test_no_code_is_taken_that_is_older_than_the_last(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer
) -> None:
    secret, _ = given_second_factor(people_engine, ada, sealer)
    step = step_at(NOW)
    with unit_of_work(people_engine) as session:
        let_in(session, ada, sealer=sealer, code=code_at(secret, step + 1))
        for older in (step - 1, step, step + 1):
            with pytest.raises(SecondFactorRefused):
                let_in(session, ada, sealer=sealer, code=code_at(secret, older))
        later = let_in(session, ada, sealer=sealer, code=code_at(secret, step + 2), now=NOW + timedelta(seconds=60))

    assert later.person.has_second_factor
    assert later.session.created_at == NOW + timedelta(seconds=60)


def test_without_the_installation_s_key_nobody_with_a_second_factor_comes_in(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer, tmp_path: Path
) -> None:
    secret, codes = given_second_factor(people_engine, ada, sealer)
    another = KeyFileSealer(tmp_path / "another-key", create=True)
    with unit_of_work(people_engine) as session:
        with pytest.raises(SealBroken):
            let_in(session, ada, sealer=another, code=code_at(secret, step_at(NOW)))
        opened = let_in(session, ada, sealer=another, code=codes[0])

    assert opened.person.person_id == ada.person_id
    assert ("system:people", "person.invited") in audited(people_engine, ada.person_id)


def test_the_secret_of_one_person_does_not_open_for_another(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer
) -> None:
    secret, _ = given_second_factor(people_engine, ada, sealer)
    eve = given_person(people_engine, organisation_id=OWNER, now=NOW)
    copy = "UPDATE people SET totp_sealed = (SELECT totp_sealed FROM people WHERE id = %s), totp_confirmed_at = %s"
    with unit_of_work(people_engine) as session:
        session.connection().exec_driver_sql(f"{copy} WHERE id = %s", (ada.person_id, NOW, eve.person_id))
        with pytest.raises(SealBroken) as refusal:
            let_in(session, eve, sealer=sealer, code=code_at(secret, step_at(NOW)))

    assert refusal.value.status == 503


def test_who_was_disabled_or_got_another_password_meanwhile_does_not_come_in(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer
) -> None:
    other = PasswordHashing.cheap().hash(PASSWORD)
    for change in ({"disabled_at": NOW}, {"password_hash": other}):
        with unit_of_work(people_engine) as session:
            person = given_person(people_engine, organisation_id=OWNER, now=NOW)
            (account,) = signing_in.find_accounts(session, email=person.email, organisation_id=OWNER)
            people_repository.change_person(session, person.person_id, change)
            entry = signing_in.Entry(account=account, code=None, browser=BROWSER)
            with pytest.raises(signing_in.SignInRefused) as refusal:
                signing_in.sign_in(session, entry=entry, sealer=sealer, now=NOW)
            assert refusal.value.entry.subject_id == person.person_id
            assert sessions.list_sessions(session, person_id=person.person_id, now=NOW) == ()


def test_an_attempt_too_many_waits_for_the_end_of_its_window(people_engine: Engine) -> None:
    buckets = throttle.buckets_of(email="windows@example.com", address="192.0.2.200", device=None)

    def count(now: datetime) -> int:
        with unit_of_work(people_engine) as session:
            refusal = throttle.counted_attempt(session, buckets=buckets, now=now)
        return 0 if refusal is None else int(refusal.headers["Retry-After"])

    waits = [count(NOW + number * SECOND) for number in range(12)]
    later = [count(NOW + moment) for moment in (5 * MINUTE, 15 * MINUTE - SECOND, 15 * MINUTE)]

    assert waits == [0] * 10 + [891, 890]
    assert later == [601, 2, 0]


def test_attempts_at_once_are_all_counted(people_engine: Engine) -> None:
    buckets = throttle.buckets_of(email="crowd@example.com", address="192.0.2.201", device=None)

    def count(session: Session) -> bool:
        return throttle.counted_attempt(session, buckets=buckets, now=NOW) is None

    let_through = [allowed for _ in range(4) for allowed in at_once(people_engine, count)]

    assert let_through.count(True) == 10
    assert let_through.count(False) == 6


def test_an_attempt_that_was_good_is_given_back_and_old_windows_are_forgotten(people_engine: Engine) -> None:
    buckets = throttle.buckets_of(email="good@example.com", address="192.0.2.202", device=None)
    old = throttle.buckets_of(email="old@example.com", address="192.0.2.203", device=None)
    with unit_of_work(people_engine) as session:
        throttle.counted_attempt(session, buckets=old, now=NOW - timedelta(hours=1))
        for _ in range(40):
            assert throttle.counted_attempt(session, buckets=buckets, now=NOW) is None
            throttle.give_back(session, buckets=buckets, now=NOW)
        throttle.give_back(session, buckets=buckets, now=NOW)
        kept = rows(
            session,
            "SELECT attempts FROM sign_in_attempts WHERE bucket = ANY(:names)",
            names=[bucket.name for bucket in (*buckets, *old)],
        )

    assert kept == [(0,), (0,)]


def test_an_identity_is_linked_to_one_person_however_many_come_back_at_once(people_engine: Engine) -> None:
    email = "linked@example.com"
    invited = given_invitation(people_engine, organisation_id=OWNER, email=email, now=NOW)
    identity = VerifiedIdentity(issuer=ISSUER, subject="linked", email=email)

    def come_back(session: Session) -> str:
        return linking.sign_in_at_provider(
            session, identity=identity, invitation_sha256=None, browser=BROWSER, now=NOW
        ).person.person_id

    first = at_once(people_engine, come_back)
    again = in_transaction(people_engine, come_back)
    other = VerifiedIdentity(issuer="https://other.example", subject="linked", email=email)

    assert first.count(invited.person.person_id) == 1
    assert set(first) <= {invited.person.person_id, "not_invited", "invitation_invalid"}
    assert again == invited.person.person_id
    with unit_of_work(people_engine) as session, pytest.raises(linking.NotInvited, match="has verified"):
        linking.sign_in_at_provider(session, identity=other, invitation_sha256=None, browser=BROWSER, now=NOW)


def test_a_link_that_is_too_old_invites_nobody_at_a_provider(people_engine: Engine) -> None:
    given_invitation(people_engine, organisation_id=OWNER, email="late@example.com", now=NOW)
    identity = VerifiedIdentity(issuer=ISSUER, subject="late", email="Late@Example.com")
    with unit_of_work(people_engine) as session:
        with pytest.raises(linking.NotInvited) as refusal:
            linking.sign_in_at_provider(
                session, identity=identity, invitation_sha256=None, browser=BROWSER, now=NOW + WEEK
            )
        opened = linking.sign_in_at_provider(
            session, identity=identity, invitation_sha256=None, browser=BROWSER, now=NOW + WEEK - SECOND
        )

    assert (refusal.value.status, refusal.value.code) == (403, "not_invited")
    assert (opened.session.method, opened.person.has_password) == ("oidc", False)


def test_who_signs_in_at_a_provider_sets_no_second_factor_up_here(people_engine: Engine, sealer: KeyFileSealer) -> None:
    given_invitation(people_engine, organisation_id=OWNER, email="outside@example.com", now=NOW)
    identity = VerifiedIdentity(issuer=ISSUER, subject="outside", email="outside@example.com")
    with unit_of_work(people_engine) as session:
        opened = linking.sign_in_at_provider(
            session, identity=identity, invitation_sha256=None, browser=BROWSER, now=NOW
        )
        for refused in (
            lambda: second_factor.start_second_factor(session, person_id=opened.person.person_id, sealer=sealer),
            lambda: signing_in.own_account(session, person_id=opened.person.person_id),
        ):
            with pytest.raises(second_factor.NoPassword) as refusal:
                refused()
            assert (refusal.value.status, refusal.value.code) == (409, "no_password")


def test_the_principal_of_a_person_touches_the_rows_of_their_organisation_alone(
    people_engine: Engine, ada: Somebody, sealer: KeyFileSealer
) -> None:
    with unit_of_work(people_engine) as session:
        opened = let_in(session, ada, sealer=sealer)

    assert opened.principal == Principal(
        organisation_id=OWNER,
        kind="owner",
        key_id=ada.person_id,
        scopes=opened.person.scopes,
        tenant=OWNER,
        person_id=ada.person_id,
    )
    assert opened.principal.scopes >= {"people:write", "keys:write", "audit:read"}
