"""The console as people meet it: a real server on a port, on a real database, with people who can sign in."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.types import ASGIApp

from fabroute.api.resources import Resources, make_resources
from fabroute.console.app import build_app
from fabroute.database import unit_of_work
from fabroute.identity.rules import OrganisationKind
from fabroute.identity.service import create_organisation
from fabroute.settings import Settings
from tests.factories.api import a_servers_settings, given_owner_and_places
from tests.factories.databases import engine_for
from tests.factories.orders import Owner
from tests.factories.organisations import NOW
from tests.factories.people import Somebody, given_person

Who = str
"""``owner``, ``buyer``, ``engineer``, ``viewer``, ``bureau``, ``production``, ``operator`` or ``support``."""
ROLES: Mapping[Who, tuple[OrganisationKind, str]] = {
    "owner": ("owner", "admin"),
    "buyer": ("owner", "buyer"),
    "engineer": ("owner", "engineer"),
    "viewer": ("owner", "viewer"),
    "bureau": ("bureau", "admin"),
    "production": ("bureau", "production"),
    "operator": ("operator", "admin"),
    "support": ("operator", "support"),
}
_IDLE: list[FastAPI] = []
"""Apps that no test uses now: their routes are compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody who can sign in, by ``Who``; their password is ``tests.factories.people.PASSWORD``."""

    owner: Owner
    bureau_id: str
    operator_id: str
    by_role: Mapping[Who, Somebody]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedConsole:
    """A served console, and a way into its database."""

    url: str
    people: People
    engine: Engine
    resources: Resources
    app: FastAPI


def given_people(engine: Engine) -> People:
    """Return an owner with one part, a bureau and the operator, each with people in every role."""
    owner = given_owner_and_places(engine)
    with unit_of_work(engine) as session:
        bureau_id = create_organisation(session, name="Łódź bureau", kind="bureau", now=NOW)
        operator_id = create_organisation(session, name="Fabroute", kind="operator", now=NOW)
    homes = {"owner": owner.organisation_id, "bureau": bureau_id, "operator": operator_id}
    found = {
        who: given_person(engine, organisation_id=homes[kind], email=f"{who}@example.com", role=role)
        for who, (kind, role) in ROLES.items()
    }
    return People(owner=owner, bureau_id=bureau_id, operator_id=operator_id, by_role=found)


@contextmanager
def served_console(
    url: str,
    *,
    people: People | None = None,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    **settings: object,
) -> Iterator[ServedConsole]:
    """Yield API and console on the database at ``url``, with people in it, unless ``people`` are there.

    ``around`` puts something around the application.
    """
    with engine_for(url) as engine, TemporaryDirectory() as folder:
        people = people or given_people(engine)
        stated = a_servers_settings(url, Path(folder)) | settings
        resources = make_resources(Settings.model_validate(stated))
        app = _IDLE.pop() if _IDLE else build_app(None)
        app.state.resources = resources
        with served_on_port(around(app)) as address:
            yield ServedConsole(url=address, people=people, engine=engine, resources=resources, app=app)
        _IDLE.append(app)


@contextmanager
def served_on_port(app: ASGIApp) -> Iterator[str]:
    """Yield the URL at which uvicorn serves ``app`` from a thread."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
