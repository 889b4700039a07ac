"""Signing in and out, over HTTP: cookies, tokens, refusals that tell nothing, and who is locked out by whom."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from argon2 import PasswordHasher

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.databases import rows
from tests.factories.people import (
    PASSWORD,
    Somebody,
    audited,
    cookies_of,
    given_invitation,
    given_person,
    sign_in,
    signed_in,
)
from tests.factories.problems import Refusal, problem_of, refusal_of

REFUSED = Refusal(status=401, code="sign_in_refused")
TOO_MANY = Refusal(status=429, code="too_many_attempts")
SIGNED_OUT = Refusal(status=401, code="unauthenticated")
NO_TOKEN = Refusal(status=403, code="csrf_token_invalid")


@pytest.fixture
def ada(standing_api: Api) -> Somebody:
    with unit_of_work(standing_api.engine) as session:
        session.connection().exec_driver_sql("DELETE FROM sign_in_attempts")
    return given_person(standing_api.engine, organisation_id=standing_api.owner.organisation_id)


def invalid(pointer: str) -> Refusal:
    return Refusal(status=422, code="validation_failed", pointers=(pointer,))


def attempt(client: httpx.Client, email: str, password: str = "not the password") -> httpx.Response:
    return client.post("/v1/sign-in", json={"email": email, "password": password})


def test_who_signs_in_gets_a_cookie_that_no_script_reads_and_no_other_site_posts_with(
    standing_api: Api, ada: Somebody
) -> None:
    with standing_api.as_(None) as browser:
        response = attempt(browser, f"  {ada.email.upper()} ", PASSWORD)
        shown = browser.get("/v1/session").json()
    cookies, body = cookies_of(response), response.json()

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert set(cookies) == {"fabroute_session", "fabroute_device"}
    for name, seconds in (("fabroute_session", 30 * 86_400), ("fabroute_device", 365 * 86_400)):
        attributes = dict(cookies[name])
        del attributes["value"]
        assert attributes == {"max-age": str(seconds), "path": "/", "httponly": "", "samesite": "lax"}
    assert cookies["fabroute_session"]["value"].startswith("fs_")
    assert len(cookies["fabroute_session"]["value"]) == 3 + 43
    assert body == shown
    assert (body["person"]["id"], body["person"]["role"], body["idle_seconds"]) == (ada.person_id, "admin", 43_200)
    assert len(body["csrf_token"]) == 64
    assert cookies["fabroute_session"]["value"] not in response.text


def test_at_https_the_cookies_are_secure_and_belong_to_this_host_alone(database: Database) -> None:
    with served_api(database.url, public_url="https://parts.example.com") as api:
        ada = given_person(api.engine, organisation_id=api.owner.organisation_id)
        with api.as_(None) as browser:
            cookies = cookies_of(attempt(browser, ada.email, PASSWORD))
            token = cookies["__Host-fabroute_session"]["value"]
            by_name = browser.get("/v1/session", headers={"Cookie": f"__Host-fabroute_session={token}"})
            by_plain_name = browser.get("/v1/session", headers={"Cookie": f"fabroute_session={token}"})

    assert set(cookies) == {"__Host-fabroute_session", "__Host-fabroute_device"}
    assert [cookie for cookie in cookies.values() if "secure" not in cookie] == []
    assert not [cookie for cookie in cookies.values() if "domain" in cookie]
    assert by_name.status_code == 200
    assert refusal_of(by_plain_name) == SIGNED_OUT


def test_the_database_and_the_log_know_neither_cookie_nor_password_nor_csrf_token(
    standing_api: Api, ada: Somebody, capsys: pytest.CaptureFixture[str]
) -> None:
    with signed_in(standing_api, ada) as browser:
        secrets = [*browser.cookies.values(), browser.headers["X-CSRF-Token"], PASSWORD]
        attempt(browser, ada.email, "a wrong canary in a mine")
        refusal_of(browser.get("/v1/nothing"))
    tables = ("people", "person_sessions", "invitations", "recovery_codes", "sign_in_attempts", "audit_entries")
    with unit_of_work(standing_api.engine) as session:
        dump = [str(rows(session, f"SELECT to_jsonb(t)::text FROM {table} t")) for table in tables]
    log = capsys.readouterr()

    for secret in (*secrets, "canary"):
        assert [table for table, text in zip(tables, dump, strict=True) if secret in text] == []
        assert secret not in log.out + log.err
    assert "sign_in_refused" in log.out + log.err
    assert ada.person_id in dump[1]


def test_a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words(
    standing_api: Api, ada: Somebody
) -> None:
    organisation_id = standing_api.owner.organisation_id
    invited = given_invitation(standing_api.engine, organisation_id=organisation_id).person.email
    disabled = given_person(standing_api.engine, organisation_id=organisation_id, role="viewer")
    path = f"/v1/people/{disabled.person_id}"
    standing_api.client.patch(path, json={"disabled": True}, headers={"If-Match": "*"})
    with standing_api.as_(None) as browser:
        answers = [
            attempt(browser, ada.email),
            attempt(browser, "nobody@example.com"),
            attempt(browser, invited, PASSWORD),
            attempt(browser, disabled.email, PASSWORD),
            browser.post("/v1/sign-in", json={"email": ada.email, "password": PASSWORD, "organisation_id": "org_none"}),
        ]
    problems = [problem_of(answer) for answer in answers]

    assert [refusal_of(answer) for answer in answers] == [REFUSED] * 5
    assert len({problem["detail"] for problem in problems}) == 1
    assert {frozenset(answer.headers) for answer in answers} == {frozenset(answers[0].headers)}
    assert audited(standing_api.engine, ada.person_id)[-1] == ("system:sign-in", "person.sign_in_failed")


def test_an_unknown_address_costs_the_same_comparisons_and_the_same_writes_as_a_known_one(
    standing_api: Api, ada: Somebody
) -> None:
    def written() -> list[tuple[object, ...]]:
        with unit_of_work(standing_api.engine) as session:
            return rows(
                session,
                "SELECT (SELECT count(*) FROM audit_entries), (SELECT count(*) FROM sign_in_attempts),"
                " (SELECT sum(attempts) FROM sign_in_attempts)",
            )

    counts = []
    with standing_api.as_(None) as browser:
        attempt(browser, "somebody.else@example.com")  # so that the address's bucket is there for both
        for email in (ada.email, "no.such.person@example.com"):
            before = written()[0]
            assert refusal_of(attempt(browser, email)) == REFUSED
            counts.append([int(str(after)) - int(str(was)) for was, after in zip(before, written()[0], strict=True)])

    assert counts == [[1, 1, 2], [1, 1, 2]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, Refusal(status=422, code="validation_failed", pointers=("/email", "/password"))),
        ({"email": "ada", "password": "x"}, Refusal(status=422, code="invalid_email")),
        ({"email": "a@example.com", "password": ""}, invalid("/password")),
        ({"email": "a@example.com", "password": "x" * 1025}, invalid("/password")),
        ({"email": "a@example.com", "password": 1}, invalid("/password")),
        ({"email": "a@example.com", "password": "x", "code": "1"}, invalid("/code")),
        ({"email": "a@example.com", "password": "x", "admin": 1}, invalid("/admin")),
    ],
)
def test_what_is_no_attempt_at_all(standing_api: Api, body: dict[str, object], expected: Refusal) -> None:
    with standing_api.as_(None) as browser:
        response = browser.post("/v1/sign-in", json=body)

    assert refusal_of(response) == expected
    assert "Set-Cookie" not in response.headers


def test_a_form_of_another_site_signs_nobody_in(standing_api: Api, ada: Somebody) -> None:
    with standing_api.as_(None) as browser:
        posted = browser.post("/v1/sign-in", data={"email": ada.email, "password": PASSWORD})
        as_text = browser.post(
            "/v1/sign-in",
            content=f'{{"email": "{ada.email}", "password": "{PASSWORD}"}}',
            headers={"Content-Type": "text/plain"},
        )

    assert refusal_of(posted) == refusal_of(as_text) == Refusal(status=415, code="unsupported_media_type")
    assert "Set-Cookie" not in posted.headers


def test_a_cookie_alone_reads_but_changes_nothing(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser:
        token = browser.headers.pop("X-CSRF-Token")
        assert browser.get("/v1/people").status_code == 200
        body = {"email": "csrf@example.com", "name": "C", "role": "viewer"}
        assert refusal_of(browser.post("/v1/people", json=body)) == NO_TOKEN
        for wrong in ("", "0" * 64, token[:-1], token.upper(), "ä"):
            response = browser.post("/v1/people", json=body, headers=[(b"x-csrf-token", wrong.encode())])
            assert refusal_of(response) == NO_TOKEN
        for method, path in (("DELETE", "/v1/session"), ("POST", "/v1/me/totp"), ("PATCH", "/v1/people/per_1")):
            assert refusal_of(browser.request(method, path)) == NO_TOKEN
        made = browser.post("/v1/people", json=body, headers={"X-CSRF-Token": token})

    assert made.status_code == 201
    assert audited(standing_api.engine, made.json()["person"]["id"]) == [(ada.person_id, "person.invited")]


def test_the_token_of_another_session_is_none(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as first, signed_in(standing_api, ada) as second:
        crossed = first.delete("/v1/session", headers={"X-CSRF-Token": second.headers["X-CSRF-Token"]})
        assert first.headers["X-CSRF-Token"] != second.headers["X-CSRF-Token"]
        assert refusal_of(crossed) == NO_TOKEN
        assert first.get("/v1/session").status_code == 200


def test_a_person_may_do_what_their_role_allows_and_the_audit_log_names_them(standing_api: Api, ada: Somebody) -> None:
    organisation_id = standing_api.owner.organisation_id
    viewer = given_person(standing_api.engine, organisation_id=organisation_id, role="viewer")
    with signed_in(standing_api, viewer) as browser:
        body = {"email": "x@example.com", "name": "X", "role": "viewer"}
        refused = browser.post("/v1/people", json=body)
        assert browser.get("/v1/parts").json()["data"][0]["part_no"] == "RL-0001"
        assert browser.get("/v1/people").status_code == 200
    assert refusal_of(refused) == Refusal(status=403, code="missing_scope")
    assert audited(standing_api.engine, viewer.person_id)[-1] == (viewer.person_id, "person.signed_in")


def test_an_api_key_counts_where_there_is_one_and_is_no_person(standing_api: Api, ada: Somebody) -> None:
    people_only = Refusal(status=403, code="people_only")
    with signed_in(standing_api, ada) as browser:
        key = {"Authorization": f"Bearer {standing_api.owner.token}"}
        assert refusal_of(browser.get("/v1/session", headers=key)) == people_only
        assert refusal_of(browser.get("/v1/me/sessions", headers=key)) == people_only
        assert refusal_of(browser.get("/v1/people", headers={"Authorization": "Bearer fr_x"})) == SIGNED_OUT
    with standing_api.as_(None) as nobody:
        assert refusal_of(nobody.get("/v1/session")) == SIGNED_OUT
        nobody.cookies.set("fabroute_session", "fs_" + "A" * 43)
        assert refusal_of(nobody.get("/v1/session")) == SIGNED_OUT
        assert refusal_of(nobody.get("/v1/people")) == SIGNED_OUT


def test_signing_in_again_leaves_the_session_before(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as browser:
        first = browser.cookies["fabroute_session"]
        sign_in(browser, ada)
        second = browser.cookies["fabroute_session"]
        listed = browser.get("/v1/me/sessions").json()["data"]
    with standing_api.as_(None, Cookie=f"fabroute_session={first}") as old:
        assert refusal_of(old.get("/v1/session")) == SIGNED_OUT

    assert first != second
    assert [session["is_current"] for session in listed] == [True]


def test_a_cookie_that_was_planted_is_not_the_one_that_a_person_gets(standing_api: Api, ada: Somebody) -> None:
    with standing_api.as_(None) as browser:
        browser.cookies.set("fabroute_session", "fs_planted", domain="fabroute.local")
        response = sign_in(browser, ada)

    assert response.status_code == 200
    assert cookies_of(response)["fabroute_session"]["value"] != "fs_planted"


def test_who_signs_out_is_out_here_and_not_elsewhere(standing_api: Api, ada: Somebody) -> None:
    with signed_in(standing_api, ada) as here, signed_in(standing_api, ada) as there:
        kept = here.cookies["fabroute_session"]
        done = here.delete("/v1/session")
        cookie = cookies_of(done)["fabroute_session"]
        again = here.get("/v1/session", headers={"Cookie": f"fabroute_session={kept}"})
        assert there.get("/v1/session").status_code == 200

    assert done.status_code == 204
    assert (cookie["max-age"], cookie["value"]) == ("0", '""')
    assert refusal_of(again) == SIGNED_OUT
    assert audited(standing_api.engine, ada.person_id)[-1] == (ada.person_id, "person.signed_out")


def test_an_address_in_two_organisations_says_which_one_it_means(standing_api: Api, ada: Somebody) -> None:
    with unit_of_work(standing_api.engine) as session:
        other = create_organisation(session, name="Other Ltd", kind="owner", now=utc_now())
    twin = given_person(standing_api.engine, organisation_id=other, email=ada.email)
    with standing_api.as_(None) as browser:
        unclear = attempt(browser, ada.email, PASSWORD)
        chosen = sign_in(browser, ada, organisation_id=other)

    assert refusal_of(unclear) == Refusal(status=409, code="several_accounts")
    named = {it["id"]: it["name"] for it in unclear.json()["details"]["organisations"]}
    assert named == {ada.organisation_id: "Nordbahn", other: "Other Ltd"}
    assert chosen.json()["person"]["id"] == twin.person_id


def test_a_hash_with_older_parameters_is_made_anew_at_the_next_sign_in(standing_api: Api, ada: Somebody) -> None:
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    kept = "SELECT password_hash FROM people WHERE id = :id"
    with unit_of_work(standing_api.engine) as session:
        session.connection().exec_driver_sql(
            "UPDATE people SET password_hash = %s WHERE id = %s", (older, ada.person_id)
        )
    with signed_in(standing_api, ada), unit_of_work(standing_api.engine) as session:
        first = rows(session, kept, id=ada.person_id)
    with signed_in(standing_api, ada), unit_of_work(standing_api.engine) as session:
        second = rows(session, kept, id=ada.person_id)

    assert "$m=8,t=1,p=1$" in str(first[0][0])
    assert first == second


def test_a_stranger_who_guesses_is_stopped_and_locks_nobody_out_of_a_browser_they_know(
    standing_api: Api, ada: Somebody
) -> None:
    with standing_api.as_(None) as stranger, standing_api.as_(None) as own:
        sign_in(own, ada)
        guesses = [attempt(stranger, ada.email) for _ in range(11)]
        locked = attempt(stranger, ada.email, PASSWORD)
        known = sign_in(own, ada)
        forged = attempt(stranger, ada.email, PASSWORD)
        stranger.cookies.set("fabroute_device", "0" * 32 + "." + "0" * 64, domain="fabroute.local")
        still_locked = attempt(stranger, ada.email, PASSWORD)

    assert [refusal_of(guess) for guess in guesses] == [REFUSED] * 10 + [TOO_MANY]
    assert refusal_of(locked) == refusal_of(forged) == refusal_of(still_locked) == TOO_MANY
    assert 800 < int(locked.headers["Retry-After"]) <= 901
    assert known.status_code == 200


def test_a_known_browser_has_a_limit_of_its_own(standing_api: Api, ada: Somebody) -> None:
    with standing_api.as_(None) as own, standing_api.as_(None) as elsewhere:
        sign_in(own, ada)
        wrong = [refusal_of(attempt(own, ada.email)) for _ in range(11)]
        right = attempt(own, ada.email, PASSWORD)
        unhurt = sign_in(elsewhere, ada)

    assert wrong == [REFUSED] * 10 + [TOO_MANY]
    assert refusal_of(right) == TOO_MANY
    assert unhurt.status_code == 200


def test_a_known_browser_is_known_to_its_own_account_alone(standing_api: Api, ada: Somebody) -> None:
    eve = given_person(standing_api.engine, organisation_id=ada.organisation_id, role="viewer")
    with standing_api.as_(None) as browser:
        sign_in(browser, eve)
        guesses = [refusal_of(attempt(browser, ada.email)) for _ in range(11)]

    assert guesses == [REFUSED] * 10 + [TOO_MANY]
    assert TOO_MANY.status == 429


def test_one_address_that_tries_many_accounts_is_stopped_unknown_ones_alike(standing_api: Api, ada: Somebody) -> None:
    with standing_api.as_(None) as stranger:
        answers = [refusal_of(attempt(stranger, f"person{number}@example.org")) for number in range(31)]
        own = attempt(stranger, ada.email, PASSWORD)

    assert answers == [REFUSED] * 30 + [TOO_MANY]
    assert 500 < int(own.headers["Retry-After"]) <= 601


def test_many_guesses_at_once_are_no_more_than_one_after_the_other(standing_api: Api, ada: Somebody) -> None:
    with standing_api.as_(None) as stranger, ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: refusal_of(attempt(stranger, ada.email)).code, range(24)))

    assert codes.count("sign_in_refused") + codes.count("sign_in_busy") == 10
    assert codes.count("too_many_attempts") == 14


def test_good_attempts_do_not_count(standing_api: Api, ada: Somebody) -> None:
    for _ in range(12):
        with standing_api.as_(None) as browser:
            assert sign_in(browser, ada).status_code == 200
    with unit_of_work(standing_api.engine) as session:
        assert rows(session, "SELECT sum(attempts) FROM sign_in_attempts") == [(0,)]


def test_an_invitation_lets_in_with_a_password_of_one_s_own(standing_api: Api) -> None:
    organisation_id = standing_api.owner.organisation_id
    invited = given_invitation(standing_api.engine, organisation_id=organisation_id, role="buyer")
    with standing_api.as_(None) as browser:
        weak = browser.post("/v1/invitations/accept", json={"token": invited.token, "password": "password1234"})
        joined = browser.post("/v1/invitations/accept", json={"token": invited.token, "password": PASSWORD})
        shown = browser.get("/v1/session").json()
        wrong = browser.post("/v1/invitations/accept", json={"token": "inv_x", "password": PASSWORD})

    assert refusal_of(weak) == Refusal(status=422, code="password_unacceptable", pointers=("/password",))
    assert (joined.status_code, shown["person"]["state"], shown["person"]["has_password"]) == (200, "active", True)
    assert set(cookies_of(joined)) == {"fabroute_session", "fabroute_device"}
    assert refusal_of(wrong) == Refusal(status=410, code="invitation_invalid")
    assert [it for it in audited(standing_api.engine, invited.person.person_id) if it[0].startswith("per_")] == [
        (invited.person.person_id, "person.joined"),
        (invited.person.person_id, "person.signed_in"),
    ]


def test_a_link_that_two_open_at_once_lets_one_in(standing_api: Api) -> None:
    organisation_id = standing_api.owner.organisation_id
    for _ in range(4):
        token = given_invitation(standing_api.engine, organisation_id=organisation_id, role="buyer").token
        body = {"token": token, "password": PASSWORD}
        with standing_api.as_(None) as browser, ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda it: browser.post("/v1/invitations/accept", json=it).status_code, [body] * 3))
        assert sorted(answers) == [200, 410, 410]
        assert len(token) == 47
