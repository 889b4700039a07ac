"""A person's own account, over HTTP: sessions, password, second factor, recovery codes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pyotp
import pytest
import time_machine

from fabroute.database import unit_of_work
from fabroute.identity.service.people.second_factor import STEP_SECONDS, code_at, step_at
from fabroute.kernel.time import utc_now
from tests.factories.api import Api
from tests.factories.databases import rows
from tests.factories.people import PASSWORD, Somebody, audited, cookies_of, given_person, sign_in, signed_in
from tests.factories.problems import Refusal, refusal_of

NEW = "another dwarf planet"
NEEDED = Refusal(status=401, code="second_factor_needed")
WRONG_CODE = Refusal(status=401, code="second_factor_refused")
WRONG_PASSWORD = Refusal(status=403, code="wrong_password")
MINE = {"password": PASSWORD}


@pytest.fixture
def ada(standing_api: Api) -> Somebody:
    with unit_of_work(standing_api.engine) as session:
        session.connection().exec_driver_sql("DELETE FROM sign_in_attempts")
    return given_person(standing_api.engine, organisation_id=standing_api.owner.organisation_id)


@pytest.fixture(autouse=True)
def early_in_a_step() -> Iterator[None]:
    """Begin two seconds into the thirty of a code, so that it does not change under the test."""
    with time_machine.travel(step_at(utc_now()) * STEP_SECONDS + 2, tick=True):
        yield


def code_of(secret: str, *, steps: int = 0) -> str:
    return code_at(secret, step_at(utc_now()) + steps)


def given_second_factor(browser: httpx.Client) -> tuple[str, list[str]]:
    """Set a second factor up, with the code of the step before; return its secret and the recovery codes."""
    secret = browser.post("/v1/me/totp", json=MINE).json()["secret"]
    confirmed = browser.post("/v1/me/totp/confirmation", json={"code": code_of(secret, steps=-1)})
    assert confirmed.status_code == 200, confirmed.text
    return secret, confirmed.json()["recovery_codes"]


def test_sessions_are_listed_with_where_they_are_and_ended_one_by_one(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as laptop, signed_in(standing_api, ada) as phone:
        first, second = laptop.get("/v1/me/sessions").json()["data"]
        page = laptop.get("/v1/me/sessions", params={"limit": 1}).json()
        ended = laptop.delete(f"/v1/me/sessions/{second['id']}")
        standing_api.resources.people.sessions._seen.clear()
        assert refusal_of(phone.get("/v1/session")) == Refusal(status=401, code="unauthenticated")
        again = laptop.delete(f"/v1/me/sessions/{second['id']}")

    assert ended.status_code == 204
    assert refusal_of(again) == Refusal(status=404, code="unknown_session")
    assert [first["is_current"], second["is_current"], first["method"]] == [True, False, "password"]
    assert (first["address"], first["user_agent"].partition("/")[0]) == ("unknown", "python-httpx")
    assert (page["data"], page["has_more"]) == ([first], True)


def test_nobody_ends_or_sees_another_s_sessions(standing_api: Api, ada: Somebody) -> None:
    eve = given_person(standing_api.engine, organisation_id=ada.organisation_id)
    with signed_in(standing_api, ada) as hers, signed_in(standing_api, eve) as browser:
        own = hers.get("/v1/me/sessions").json()["data"][0]["id"]
        refused = browser.delete(f"/v1/me/sessions/{own}")
        assert own not in browser.get("/v1/me/sessions").text
        assert hers.get("/v1/session").status_code == 200

    assert refusal_of(refused) == Refusal(status=404, code="unknown_session")


def test_another_password_ends_all_sessions_but_this_one_which_gets_a_new_cookie(
    standing_api: Api, ada: Somebody
) -> None:
    with signed_in(standing_api, ada) as here, signed_in(standing_api, ada) as there, standing_api.as_(None) as fresh:
        before = here.cookies["fabroute_session"]
        changed = here.post("/v1/me/password", json={"present_password": PASSWORD, "new_password": NEW})
        after = cookies_of(changed)["fabroute_session"]["value"]
        standing_api.resources.people.sessions._seen.clear()
        assert here.get("/v1/session").json()["csrf_token"] == changed.json()["csrf_token"]
        assert refusal_of(there.get("/v1/session")).status == 401
        assert refusal_of(sign_in(fresh, ada)).code == "sign_in_refused"
        assert sign_in(fresh, ada, password=NEW).status_code == 200

    assert before != after
    assert "person.password_changed" in [action for _, action in audited(standing_api.engine, ada.person_id)]


@pytest.mark.parametrize(
    ("present", "new", "expected"),
    [
        ("not the password", NEW, WRONG_PASSWORD),
        (PASSWORD, "short", Refusal(status=422, code="password_unacceptable", pointers=("/password",))),
        (PASSWORD, "qwertyuiop1234", Refusal(status=422, code="password_unacceptable", pointers=("/password",))),
        (PASSWORD, "", Refusal(status=422, code="validation_failed", pointers=("/new_password",))),
    ],
)
def test_a_password_that_is_not_changed(
    standing_api: Api, ada: Somebody, present: str, new: str, expected: Refusal
) -> None:
    with signed_in(standing_api, ada) as browser:
        response = browser.post("/v1/me/password", json={"present_password": present, "new_password": new})
        assert refusal_of(response) == expected
        assert browser.get("/v1/session").status_code == 200


def test_who_finds_an_open_browser_can_not_guess_its_password_for_long(standing_api: Api, ada: Somebody) -> None:
    body = {"present_password": "a guess of mine", "new_password": NEW}
    with signed_in(standing_api, ada) as browser:
        answers = [refusal_of(browser.post("/v1/me/password", json=body)) for _ in range(11)]
        other_door = browser.post("/v1/me/totp", json=MINE)

    assert answers == [WRONG_PASSWORD] * 10 + [Refusal(status=429, code="too_many_attempts")]
    assert refusal_of(other_door).code == "too_many_attempts"


def test_a_second_factor_counts_once_a_code_confirms_it(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser, standing_api.as_(None) as fresh:
        started = browser.post("/v1/me/totp", json=MINE)
        secret, uri = started.json()["secret"], urlsplit(started.json()["provisioning_uri"])
        assert sign_in(fresh, ada).status_code == 200
        wrong = browser.post("/v1/me/totp/confirmation", json={"code": code_of(secret, steps=-9)})
        right = browser.post("/v1/me/totp/confirmation", json={"code": pyotp.TOTP(secret).now()})
        again = browser.post("/v1/me/totp/confirmation", json={"code": code_of(secret, steps=1)})
        asked = sign_in(fresh, ada)
        shown = browser.get("/v1/people").json()["data"]

    assert started.status_code == 201
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", f"/fabroute:{ada.email}")
    assert parse_qs(uri.query) == {"secret": [secret], "issuer": ["fabroute"]}
    assert len(secret) == 32
    assert refusal_of(wrong) == WRONG_CODE
    assert len(set(right.json()["recovery_codes"])) == 10
    assert refusal_of(again) == Refusal(status=409, code="second_factor_is_on")
    assert refusal_of(asked) == NEEDED
    assert [it["has_second_factor"] for it in shown if it["id"] == ada.person_id] == [True]


def test_each_code_is_taken_once(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser, standing_api.as_(None) as fresh:
        secret, _ = given_second_factor(browser)
        used = code_of(secret, steps=-1)
        now = code_of(secret)
        answers = [sign_in(fresh, ada, code=code) for code in (used, now, now, "000000x", code_of(secret, steps=1))]
        spaced = sign_in(fresh, ada, code=f"{now[:3]} {now[3:]}")

    assert refusal_of(answers[0]) == refusal_of(answers[2]) == refusal_of(answers[3]) == WRONG_CODE
    assert [answers[1].status_code, answers[4].status_code] == [200, 200]
    assert refusal_of(spaced) == WRONG_CODE


def test_guessing_codes_with_the_right_password_is_stopped(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser, standing_api.as_(None) as thief:
        secret, _ = given_second_factor(browser)
        far = [code_of(secret, steps=steps) for steps in range(10, 20)]
        answers = [refusal_of(sign_in(thief, ada, code=code)) for code in far]
        locked = sign_in(thief, ada, code=code_of(secret))

    assert answers == [WRONG_CODE] * 10
    assert refusal_of(locked) == Refusal(status=429, code="too_many_attempts")


def test_a_recovery_code_stands_in_once_however_it_is_typed(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser, standing_api.as_(None) as fresh:
        _, codes = given_second_factor(browser)
        typed = codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "l")
        assert sign_in(fresh, ada, code=typed).status_code == 200
        assert refusal_of(sign_in(fresh, ada, code=codes[0])) == WRONG_CODE
        assert sign_in(fresh, ada, code=codes[1]).status_code == 200
        renewed = browser.post("/v1/me/recovery-codes", json=MINE).json()["recovery_codes"]
        assert refusal_of(sign_in(fresh, ada, code=codes[2])) == WRONG_CODE
        assert sign_in(fresh, ada, code=renewed[0]).status_code == 200

    assert {len(code) for code in codes} == {19}
    assert set(codes) & set(renewed) == set()
    used = [action for _, action in audited(standing_api.engine, ada.person_id)]
    assert used.count("person.recovery_code_used") == 3


def test_neither_the_secret_nor_a_recovery_code_is_stored_in_clear(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser:
        secret, codes = given_second_factor(browser)
    with unit_of_work(standing_api.engine) as session:
        person = str(rows(session, "SELECT to_jsonb(p)::text FROM people p WHERE id = :id", id=ada.person_id))
        codes_of = "SELECT to_jsonb(c)::text FROM recovery_codes c WHERE person_id = :id"
        kept = str(rows(session, codes_of, id=ada.person_id))

    assert "totp_sealed" in person
    assert secret not in person
    assert kept.count("code_sha256") == 10
    assert [code for code in codes if code in kept or code.replace("-", "") in kept] == []


def test_a_second_factor_is_removed_with_the_password_and_set_up_anew(standing_api: Api, ada: Somebody) -> None:
    off = Refusal(status=409, code="second_factor_is_off")
    with signed_in(standing_api, ada) as browser, standing_api.as_(None) as fresh:
        assert refusal_of(browser.post("/v1/me/totp/removal", json=MINE)) == off
        assert refusal_of(browser.post("/v1/me/recovery-codes", json=MINE)) == off
        assert refusal_of(browser.post("/v1/me/totp/confirmation", json={"code": "123456"})) == off
        secret, _ = given_second_factor(browser)
        assert refusal_of(browser.post("/v1/me/totp", json=MINE)).code == "second_factor_is_on"
        assert refusal_of(browser.post("/v1/me/totp/removal", json={"password": "a guess of mine"})) == WRONG_PASSWORD
        assert browser.post("/v1/me/totp/removal", json=MINE).status_code == 204
        assert sign_in(fresh, ada).status_code == 200
        another, _ = given_second_factor(browser)

    assert secret != another
    actions = [action for _, action in audited(standing_api.engine, ada.person_id)]
    assert actions.count("person.second_factor_added") == 2
    assert actions.count("person.second_factor_removed") == 1


def test_a_new_link_takes_the_second_factor_away(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser, standing_api.as_(None) as fresh:
        given_second_factor(browser)
        made = standing_api.client.post(f"/v1/people/{ada.person_id}/invitation").json()
        token = made["invitation"]["token"]
        joined = fresh.post("/v1/invitations/accept", json={"token": token, "password": NEW})

    assert (made["person"]["has_second_factor"], made["person"]["has_password"]) == (False, False)
    assert joined.json()["person"]["has_second_factor"] is False


@pytest.mark.parametrize(("moved", "is_in"), [(timedelta(hours=11, minutes=58), True), (timedelta(hours=12), False)])
def test_a_session_that_nobody_uses_for_twelve_hours_is_over(
    standing_api: Api, ada: Somebody, moved: timedelta, is_in: bool
) -> None:
    with signed_in(standing_api, ada) as browser:
        age("seen_at", ada, moved, standing_api)
        found = browser.get("/v1/session")
        listed = [it["is_current"] for it in browser.get("/v1/me/sessions").json().get("data", [])]
        seen = age("seen_at", ada, timedelta(0), standing_api)

    assert (found.status_code == 200) is is_in
    assert listed == [True] * is_in
    assert (utc_now() - seen < timedelta(seconds=60)) is is_in


@pytest.mark.parametrize(("left", "is_in"), [(timedelta(minutes=1), True), (timedelta(0), False)])
def test_after_thirty_days_a_session_is_over_however_much_it_is_used(
    standing_api: Api, ada: Somebody, left: timedelta, is_in: bool
) -> None:
    with signed_in(standing_api, ada) as browser:
        ends_at = age("ends_at", ada, timedelta(days=30) - left, standing_api)
        found = browser.get("/v1/session")

    assert (found.status_code == 200) is is_in
    assert (ends_at > utc_now()) is is_in


def age(column: str, person: Somebody, by: timedelta, api: Api) -> datetime:
    """Move an instant of a person's session into the past and forget what the process remembers; return it."""
    api.resources.people.sessions._seen.clear()
    with unit_of_work(api.engine) as session:
        sql = f"UPDATE person_sessions SET {column} = {column} - CAST(:by AS interval) WHERE person_id = :id"
        moved = rows(session, f"{sql} RETURNING {column}", by=by, id=person.person_id)[0][0]
    assert isinstance(moved, datetime)
    return moved
