"""People who have joined, and browsers that they sign in with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import httpx
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.identity.service.people import members, signing_in
from fabroute.identity.service.people.passwords import PasswordHashing
from fabroute.identity.service.people.sessions import Browser
from fabroute.kernel.time import utc_now
from tests.factories.api import Api

PASSWORD = "dwarf-planet-tuba"
BROWSER = Browser(address="192.0.2.7", user_agent="Tests/1.0")
WEEK = timedelta(days=7)
_HASH = PasswordHashing.cheap().hash(PASSWORD)
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """A person who has joined."""

    person_id: str
    organisation_id: str
    email: str
    password: str = PASSWORD


def given_invitation(
    engine: Engine,
    *,
    organisation_id: str,
    email: str | None = None,
    role: str = "admin",
    caller: Principal | None = None,
    now: datetime | None = None,
) -> members.Invited:
    """Return somebody who is invited."""
    asked = members.NewPerson(
        email=email or f"person{next(_numbers)}@example.com", name="Ada", role=role, organisation_id=organisation_id
    )
    with unit_of_work(engine) as session:
        return members.invite_person(session, asked=asked, caller=caller, valid_for=WEEK, now=now or utc_now())


def given_person(
    engine: Engine, *, organisation_id: str, email: str | None = None, role: str = "admin", now: datetime | None = None
) -> Somebody:
    """Return somebody who has joined, with ``PASSWORD``, and is signed in nowhere."""
    invited = given_invitation(engine, organisation_id=organisation_id, email=email, role=role, now=now)
    with unit_of_work(engine) as session:
        opened = signing_in.accept_invitation(
            session, token=invited.token, password_hash=_HASH, browser=BROWSER, now=now or utc_now()
        )
        session.connection().exec_driver_sql("DELETE FROM person_sessions WHERE id = %s", (opened.session.session_id,))
    person = invited.person
    return Somebody(person_id=person.person_id, organisation_id=organisation_id, email=person.email)


def sign_in(client: httpx.Client, person: Somebody, **more: str) -> httpx.Response:
    """Sign a person in with their password; on success the client sends the CSRF token from then on."""
    body = {"email": person.email, "password": person.password} | more
    response = client.post("/v1/sign-in", json=body)
    if response.is_success:
        client.headers["X-CSRF-Token"] = response.json()["csrf_token"]
    return response


@contextmanager
def signed_in(api: Api, person: Somebody) -> Iterator[httpx.Client]:
    """Yield a browser that a person is signed in with."""
    with api.as_(None) as client:
        response = sign_in(client, person)
        assert response.status_code == 200, response.text
        yield client


def audited(engine: Engine, person_id: str) -> list[tuple[str, str]]:
    """Return who did what to a person, the first first."""
    with unit_of_work(engine) as session:
        found = session.connection().exec_driver_sql(
            "SELECT actor, action FROM audit_entries WHERE subject_id = %s ORDER BY id", (person_id,)
        )
        return [(row[0], row[1]) for row in found]


def cookies_of(response: httpx.Response) -> dict[str, dict[str, str]]:
    """Return the cookies that an answer sets, each with its value and its attributes, whose names are in small letters.

    An attribute without a value, such as ``HttpOnly``, has an empty one.
    """
    found: dict[str, dict[str, str]] = {}
    for header in response.headers.get_list("Set-Cookie"):
        first, *attributes = [piece.strip() for piece in header.split(";")]
        name, _, value = first.partition("=")
        pairs = (attribute.partition("=") for attribute in attributes)
        found[name] = {key.lower(): text for key, _, text in pairs} | {"value": value}
    return found
