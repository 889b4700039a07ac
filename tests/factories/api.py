"""The API as clients meet it: a real server on a Unix socket, on a real database."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from fabroute.api.app import build_app
from fabroute.api.intake.at_the_parser import OrdersAtTheParser
from fabroute.api.resources import Resources, make_resources
from fabroute.database import unit_of_work
from fabroute.logistics.service import LogisticsData, PlaceView, save_logistics
from fabroute.settings import Settings
from tests.factories.databases import engine_for
from tests.factories.orders import Owner, given_owner

BERLIN = PlaceView(city="Berlin", country="DE", latitude=52.5244, longitude=13.4105, is_capital=True)
HAMBURG = PlaceView(city="Hamburg", country="DE", latitude=53.5507, longitude=9.993, is_capital=False)

Json = dict[str, object]

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For Unix sockets: a context with the certificates of the system takes 25 milliseconds for each client."""
_IDLE: list[FastAPI] = []
"""Apps that no test uses now: their routes are compiled, which takes a tenth of a second for a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A served API, a client with the key of an owner, and a way into its database."""

    client: httpx.Client
    owner: Owner
    engine: Engine
    resources: Resources
    app: FastAPI
    socket: str

    def as_(self, token: str | None, **headers: str) -> httpx.Client:
        """Return another client, with another key or none."""
        return client_on(self.socket, token, headers)

    def place(self, body: Json | None = None, *, key: str = "key-1", **headers: str) -> httpx.Response:
        """Place an order."""
        return self.client.post("/v1/orders", json=body or an_order(), headers={"Idempotency-Key": key} | headers)


def an_order(**changes: object) -> Json:
    """Return a body for POST /v1/orders: one door stopper to Hamburg, with ``changes``."""
    return {"ship_to": {"city": "Hamburg", "country": "DE"}, "lines": [{"part": "RL-0001", "quantity": 1}]} | changes


def given_owner_and_places(engine: Engine) -> Owner:
    """Return an owner with one part; Berlin and Hamburg are known."""
    owner = given_owner(engine)
    with unit_of_work(engine) as session:
        save_logistics(session, data=LogisticsData(places=(BERLIN, HAMBURG)))
    return owner


@contextmanager
def served_api(url: str, *, owner: Owner | None = None, **settings: object) -> Iterator[Api]:
    """Yield the API on the database at ``url``, with one owner and two places in it, unless ``owner`` is there."""
    with engine_for(url) as engine, TemporaryDirectory() as folder:
        owner = owner or given_owner_and_places(engine)
        resources = make_resources(Settings.model_validate(a_servers_settings(url, Path(folder)) | settings))
        with _lent_app(resources) as app, served(app) as socket, client_on(socket, owner.token, {}) as client:
            yield Api(client=client, owner=owner, engine=engine, resources=resources, app=app, socket=socket)


@contextmanager
def _lent_app(resources: Resources) -> Iterator[FastAPI]:
    app = _IDLE.pop() if _IDLE else build_app(None)
    app.state.resources = resources
    yield app
    _IDLE.append(app)


def a_servers_settings(url: str, folder: Path) -> dict[str, object]:
    """Return the settings of a server in this process, on the database at ``url``, with its keys in ``folder``."""
    return {
        "database_url": url,
        "profile": "embedded",
        "storage_url": "memory://",
        "signing_key_file": folder / "signing-key.pem",
        "secret_key_file": folder / "secret-key",
        "password_hashing": "cheap",
        "wrong_keys_a_minute": 1_000_000,
        "request_patience_seconds": 30,  # no test depends on how fast the machine is
        "intake_patience_seconds": 30,
    }


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Yield the path of a Unix socket on which uvicorn serves ``app`` from a thread."""
    with TemporaryDirectory() as folder:
        socket = str(Path(folder) / "api.sock")
        config = uvicorn.Config(app, uds=socket, http=OrdersAtTheParser, log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, name="uvicorn")
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        try:
            yield socket
        finally:
            server.should_exit = True
            thread.join()


def client_on(socket: str, token: str | None, headers: Mapping[str, str]) -> httpx.Client:
    """Return a client of the API on ``socket``."""
    authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(
        transport=httpx.HTTPTransport(uds=socket, verify=_NO_TLS, limits=httpx.Limits(max_connections=64)),
        base_url="http://fabroute",
        headers=authorization | dict(headers),
        timeout=30,
    )
