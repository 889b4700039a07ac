"""Signing in at an OpenID provider: a real one on this machine, over real HTTP."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.kernel.time import utc_now
from fabroute_embedded import EmbeddedServers
from tests.factories.api import Api, served_api
from tests.factories.people import PASSWORD, audited, cookies_of, given_invitation, given_person
from tests.factories.problems import Refusal, refusal_of
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, DISCOVERY, FakeProvider, a_key, an_openid_provider
from tests.fakes.web_server import Answer, json_answer

REFUSED = Refusal(status=401, code="openid_refused")
DOWN = Refusal(status=503, code="openid_provider_down")
NOT_INVITED = Refusal(status=403, code="not_invited")
VERIFIED = {"email_verified": True}


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeProvider]:
    with an_openid_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def oidc_api(servers: EmbeddedServers, migrated_template: str, listening: FakeProvider) -> Iterator[Api]:
    urls = servers.postgres.create_database("standing_oidc", template=migrated_template)
    with served_api(
        urls.url, oidc_issuer=listening.issuer, oidc_client_id=CLIENT_ID, oidc_client_secret=CLIENT_SECRET
    ) as served:
        yield served
    servers.postgres.drop_database("standing_oidc")


@pytest.fixture
def provider(oidc_api: Api, listening: FakeProvider) -> FakeProvider:
    """The provider as it is at first, and an installation that has not asked it for anything yet."""
    fresh = FakeProvider(issuer=listening.issuer)
    for name in ("claims", "user_info", "discovery", "algorithm", "keys", "signs_with", "forged", "answers", "asked"):
        setattr(listening, name, getattr(fresh, name))
    listening.subject = f"subject-{time.monotonic_ns()}"
    known: Any = oidc_api.resources.people.openid.provider
    known._found = known._keys = None
    known._down_until = 0.0
    return listening


@pytest.fixture
def email(provider: FakeProvider) -> str:
    """The address of whom the provider signs in next."""
    provider.claims = {"email": f"{provider.subject}@example.com"} | VERIFIED
    return f"{provider.subject}@example.com"


def start(browser: httpx.Client, **query: str) -> httpx.Response:
    return browser.get("/v1/oidc/start", params=query)


def come_back(browser: httpx.Client, told: dict[str, str]) -> httpx.Response:
    return browser.get("/v1/oidc/callback", params=told)


def go_through(browser: httpx.Client, provider: FakeProvider, **query: str) -> httpx.Response:
    """Sign in from the start to the end."""
    return come_back(browser, provider.sign_in(start(browser, **query).headers["Location"]))


def test_who_was_invited_joins_at_the_provider_and_is_known_from_then_on(
    oidc_api: Api, provider: FakeProvider, email: str
) -> None:
    invited = given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email.upper())
    with oidc_api.as_(None) as browser:
        away = start(browser)
        back = come_back(browser, provider.sign_in(away.headers["Location"]))
        provider.claims = {"email": "another@example.org", "email_verified": False}
        again = go_through(browser, provider)
        shown = browser.get("/v1/session").json()
    query = parse_qs(urlsplit(away.headers["Location"]).query)
    left, cookies = cookies_of(away)["fabroute_oidc"], cookies_of(back)

    assert (away.status_code, away.headers["Cache-Control"]) == (303, "no-store")
    assert query["redirect_uri"] == ["http://127.0.0.1:8000/v1/oidc/callback"]
    assert (left["max-age"], left["samesite"], left["httponly"]) == ("600", "lax", "")
    assert (len(query["state"][0]), len(query["nonce"][0]), len(query["code_challenge"][0])) == (43, 43, 43)
    assert (back.status_code, back.headers["Cache-Control"]) == (200, "no-store")
    assert back.json()["person"] | {"signed_in_at": None} == again.json()["person"] | {"signed_in_at": None}
    assert (cookies["fabroute_oidc"]["max-age"], cookies["fabroute_session"]["httponly"]) == ("0", "")
    assert (shown["person"]["id"], shown["person"]["has_password"]) == (invited.person.person_id, False)
    assert [action for _, action in audited(oidc_api.engine, invited.person.person_id)] == [
        *("person.invited", "person.identity_linked", "person.joined", "person.signed_in"),
        *("person.signed_out", "person.signed_in"),
    ]


def test_discovery_and_keys_are_read_once(oidc_api: Api, provider: FakeProvider, email: str) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    with oidc_api.as_(None) as browser:
        for _ in range(3):
            assert go_through(browser, provider).status_code == 200

    assert provider.asked.count(DISCOVERY) == 1
    assert provider.asked.count("/keys") == 1
    assert provider.asked.count("/token") == 3


def test_keys_that_the_provider_rotated_are_read_again_but_not_all_the_time(
    oidc_api: Api, provider: FakeProvider, email: str
) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    known: Any = oidc_api.resources.people.openid.provider
    with oidc_api.as_(None) as browser:
        assert go_through(browser, provider).status_code == 200
        provider.rotate()
        too_soon = go_through(browser, provider)
        known._keys = (known._keys[0], known._keys[1] - 31)
        assert go_through(browser, provider).status_code == 200

    assert refusal_of(too_soon) == REFUSED
    assert provider.asked.count("/keys") == 2


@pytest.mark.parametrize("claims", [{}, {"email_verified": False}, {"email_verified": "true"}, {"email": "not one"}])
def test_only_an_address_that_the_provider_vouches_for_counts(
    oidc_api: Api, provider: FakeProvider, email: str, claims: dict[str, object]
) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    provider.claims = {"email": email} | (VERIFIED if "email" in claims else {}) | claims
    with oidc_api.as_(None) as browser:
        refused = go_through(browser, provider)
        assert refusal_of(browser.get("/v1/session")).status == 401

    assert refusal_of(refused) == NOT_INVITED
    assert "fabroute_session" not in cookies_of(refused)


def test_who_has_a_password_already_is_not_taken_over_by_an_address(
    oidc_api: Api, provider: FakeProvider, email: str
) -> None:
    person = given_person(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    with oidc_api.as_(None) as browser:
        refused = go_through(browser, provider)
        by_password = browser.post("/v1/sign-in", json={"email": email, "password": PASSWORD})

    assert refusal_of(refused) == NOT_INVITED
    assert by_password.json()["person"]["id"] == person.person_id


def test_the_address_may_come_from_userinfo_if_it_is_of_the_same_person(
    oidc_api: Api, provider: FakeProvider, email: str
) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    provider.claims, provider.discovery = {}, {"userinfo_endpoint": f"{provider.issuer}/userinfo"}
    with oidc_api.as_(None) as browser:
        provider.user_info = {"sub": "somebody-else", "email": email} | VERIFIED
        other = go_through(browser, provider)
        provider.user_info = {"sub": provider.subject, "email": email} | VERIFIED
        own = go_through(browser, provider)

    assert refusal_of(other) == REFUSED
    assert own.json()["person"]["email"] == email


def test_of_several_invitations_the_link_decides(oidc_api: Api, provider: FakeProvider, email: str) -> None:
    with unit_of_work(oidc_api.engine) as session:
        other = create_organisation(session, name="Other", kind="owner", now=utc_now())
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    meant = given_invitation(oidc_api.engine, organisation_id=other, email=email)
    foreign = given_invitation(oidc_api.engine, organisation_id=other).token
    with oidc_api.as_(None) as browser:
        unclear = go_through(browser, provider)
        not_theirs = go_through(browser, provider, invitation=foreign)
        chosen = go_through(browser, provider, invitation=meant.token)

    assert refusal_of(unclear) == Refusal(status=409, code="several_invitations")
    assert refusal_of(not_theirs) == NOT_INVITED
    assert chosen.json()["person"]["id"] == meant.person.person_id


def test_who_is_disabled_or_reset_comes_in_no_more(oidc_api: Api, provider: FakeProvider, email: str) -> None:
    invited = given_invitation(
        oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email, role="viewer"
    )
    path = f"/v1/people/{invited.person.person_id}"
    with oidc_api.as_(None) as browser:
        assert go_through(browser, provider).status_code == 200
        for disabled, expected in ((True, 403), (False, 200)):
            oidc_api.client.patch(path, json={"disabled": disabled}, headers={"If-Match": "*"})
            assert go_through(browser, provider).status_code == expected
        oidc_api.client.post(f"{path}/invitation")
        provider.claims = {"email": "moved@example.com"} | VERIFIED
        assert refusal_of(go_through(browser, provider)) == NOT_INVITED
        provider.claims = {"email": email} | VERIFIED
        assert go_through(browser, provider).status_code == 200


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://accounts.example.org"},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another client"]},
        {"azp": "another client"},
        {"exp": NOW - 120},
        {"exp": None},
        {"iat": NOW + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
)
def test_an_id_token_for_something_else_is_refused(
    oidc_api: Api, provider: FakeProvider, email: str, claims: dict[str, object]
) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    provider.claims = provider.claims | claims
    with oidc_api.as_(None) as browser:
        refused = go_through(browser, provider)

    assert refusal_of(refused) == REFUSED
    assert "fabroute_session" not in cookies_of(refused)


def test_an_id_token_that_the_provider_did_not_sign_is_refused(
    oidc_api: Api, provider: FakeProvider, email: str
) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    shared: Any = OctKey.import_key(CLIENT_SECRET.ljust(32), {"kid": provider.keys[0].kid or ""})
    stranger = a_key()
    with oidc_api.as_(None) as browser:
        provider.signs_with = stranger
        assert refusal_of(go_through(browser, provider)) == REFUSED
        provider.signs_with, provider.algorithm = shared, "HS256"
        assert refusal_of(go_through(browser, provider)) == REFUSED
        for header in ({"alg": "none"}, {"alg": "RS256", "kid": "x"}, {}):
            provider.forged = header
            assert refusal_of(go_through(browser, provider)) == REFUSED
        provider.answers = {"/token": json_answer({"access_token": "a"})}
        assert refusal_of(go_through(browser, provider)) == REFUSED


def test_what_was_not_begun_in_this_browser_is_refused(oidc_api: Api, provider: FakeProvider, email: str) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    with oidc_api.as_(None) as browser, oidc_api.as_(None) as other:
        told = provider.sign_in(start(browser).headers["Location"])
        assert refusal_of(come_back(other, told)) == REFUSED
        start(other)
        assert refusal_of(come_back(other, told)) == REFUSED
        for wrong in ({"state": "x"}, {"iss": "https://mixed.example"}, {"code": ""}, {"error": "access_denied"}):
            assert refusal_of(come_back(browser, told | wrong)) == REFUSED
        assert come_back(browser, told | {"session_state": "s", "scope": "openid"}).status_code == 200
        assert refusal_of(come_back(browser, told)) == REFUSED
        repeated = provider.sign_in(start(browser).headers["Location"])
        assert come_back(browser, repeated).status_code == 200
        browser.cookies.set("fabroute_oidc", "x" * 40, domain="fabroute.local")
        assert refusal_of(come_back(browser, repeated)) == REFUSED


def test_a_code_without_its_verifier_is_worth_nothing(oidc_api: Api, provider: FakeProvider, email: str) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    with oidc_api.as_(None) as thief, oidc_api.as_(None) as victim:
        stolen = provider.sign_in(start(victim).headers["Location"])["code"]
        own = provider.sign_in(start(thief).headers["Location"])
        injected = come_back(thief, own | {"code": stolen})

    assert refusal_of(injected) == REFUSED
    assert provider.asked.count("/token") == 1


@pytest.mark.parametrize(
    "answers",
    [
        {DISCOVERY: Answer(status=500)},
        {DISCOVERY: Answer(status=0)},
        {DISCOVERY: Answer(body=b"<html>")},
        {DISCOVERY: Answer(status=302, headers={"Location": "http://127.0.0.1:1/"})},
        {DISCOVERY: json_answer({"issuer": "https://accounts.example.org"})},
        {DISCOVERY: json_answer({"padding": "x" * 300_000})},
    ],
)
def test_a_provider_that_is_down_or_another_one_signs_nobody_in(
    oidc_api: Api, provider: FakeProvider, answers: dict[str, Answer]
) -> None:
    provider.answers = answers
    with oidc_api.as_(None) as browser:
        refused = start(browser)

    assert refusal_of(refused) == DOWN
    assert "fabroute_oidc" not in cookies_of(refused)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/token", Answer(status=503)),
        ("/token", Answer(body=b"[]")),
        ("/keys", json_answer({"keys": []})),
        ("/keys", json_answer({})),
        ("/keys", json_answer({"keys": [{"kty": "EC"}]})),
    ],
)
def test_a_provider_that_breaks_down_half_way_signs_nobody_in(
    oidc_api: Api, provider: FakeProvider, path: str, answer: Answer
) -> None:
    with oidc_api.as_(None) as browser:
        told = provider.sign_in(start(browser).headers["Location"])
        provider.answers = {path: answer}
        assert refusal_of(come_back(browser, told)) == DOWN
        assert refusal_of(browser.get("/v1/session")).status == 401


@pytest.mark.parametrize("endpoint", ["http://accounts.example.org/authorize", "ftp://127.0.0.1/", None, 7])
def test_an_endpoint_that_others_could_listen_at_is_not_used(
    oidc_api: Api, provider: FakeProvider, endpoint: object
) -> None:
    provider.discovery = {"authorization_endpoint": endpoint}
    with oidc_api.as_(None) as browser:
        assert refusal_of(start(browser)) == DOWN
        provider.discovery = {}
        assert refusal_of(start(browser)) == DOWN  # what was read is known for an hour
    assert provider.asked == [DISCOVERY]


def test_a_provider_that_wants_the_secret_in_the_body_gets_it_there(
    oidc_api: Api, provider: FakeProvider, email: str
) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    provider.discovery = {
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "authorization_endpoint": f"{provider.issuer}/authorize?tenant=7",
    }
    with oidc_api.as_(None) as browser:
        away = start(browser).headers["Location"]
        back = come_back(browser, provider.sign_in(away))

    assert away.startswith(f"{provider.issuer}/authorize?tenant=7&response_type=code&")
    assert back.status_code == 200


@pytest.mark.parametrize("path", ["/console", "/orders/ord_1", "/"])
def test_afterwards_the_browser_goes_where_it_was_going(
    oidc_api: Api, provider: FakeProvider, email: str, path: str
) -> None:
    given_invitation(oidc_api.engine, organisation_id=oidc_api.owner.organisation_id, email=email)
    with oidc_api.as_(None) as browser:
        back = go_through(browser, provider, return_to=path)

    assert (back.status_code, back.headers["Location"], back.content) == (303, path, b"")
    assert "fabroute_session" in cookies_of(back)


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a?b=c", "/a\n"]
)
def test_it_never_goes_to_another_site(oidc_api: Api, provider: FakeProvider, path: str) -> None:
    with oidc_api.as_(None) as browser:
        refused = start(browser, return_to=path)

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=("",))
    assert "return_to" in refused.json()["detail"]


def test_without_a_provider_there_is_nothing_to_go_to(standing_api: Api) -> None:
    with standing_api.as_(None) as browser:
        for path in ("start", "callback"):
            assert refusal_of(browser.get(f"/v1/oidc/{path}")) == Refusal(status=404, code="openid_not_configured")
