"""What an order may cost an API process, told in a measure that a slow machine changes as much as the order itself."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope
from uvicorn import Config
from uvicorn.server import ServerState

from fabroute.api.app import build_app
from fabroute.api.garbage import rare_garbage_collection
from fabroute.api.intake.at_the_parser import OrdersAtTheParser
from fabroute.api.resources import make_resources, running
from fabroute.settings import Settings
from tests.conftest import Database
from tests.factories.api import a_servers_settings, given_owner_and_places
from tests.factories.databases import engine_for

MOST = 36.0
"""Pieces of work that an order may cost: it takes 18 to 25 by the parser, which reads HTTP too, and 19 to 25 by the
layer before the application. With threads that write it took 21 to 28, by the routes 43 to 64, by a unit of work of the
ORM 165 to 260.
"""
WAYS = ("parser", "application")
ROUNDS = 20
"""Noise only adds: the first round within the bound is enough."""
CLIENTS, ORDERS = 16, 25
BODY = b'{"ship_to":{"city":"Hamburg","country":"DE"},"lines":[{"part":"RL-0001","quantity":1}]}'


@dataclass(frozen=True)
class Pair:
    number: int
    text: str


def a_piece_of_work(turn: int) -> str:
    """Do what Python does all day: make objects, look them up, write texts."""
    pairs = {str(number): Pair(number, f"{number}-{turn}") for number in range(10)}
    return ",".join(sorted(f"{pair.text}:{pair.number}" for pair in pairs.values() if pair.number % 3))


def seconds_of_a_piece(pieces: int = 2_000) -> float:
    began = time.process_time()
    for turn in range(pieces):
        a_piece_of_work(turn)
    return (time.process_time() - began) / pieces


class Wire(asyncio.Transport):
    """A connection without a network: what is written is an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take an answer, or its beginning."""
        if not self.answered.done():
            self.answered.set_result(bytes(data))

    def is_closing(self) -> bool:
        """Tell that it stays open."""
        return False

    def pause_reading(self) -> None:
        """Go on: what comes was asked for."""

    def resume_reading(self) -> None:
        """Go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Callers of an application without a network in between, each with an order after the other."""

    app: FastAPI
    token: str
    at_the_parser: bool
    statuses: list[int] = field(default_factory=list)

    async def place(self, name: str, *, orders: int) -> None:
        """Have all of them place so many orders."""
        place = self._place_at_the_parser if self.at_the_parser else self._place
        await asyncio.gather(*(place(f"{name}.{number}", orders) for number in range(CLIENTS)))

    async def _place(self, name: str, orders: int) -> None:
        for number in range(orders):
            await self.app(self._scope(f"{name}.{number}"), _receive, self._note)

    async def _place_at_the_parser(self, name: str, orders: int) -> None:
        wire, config = Wire(), Config(self.app, log_config=None, access_log=False)
        connection = OrdersAtTheParser(config, ServerState(), {})
        connection.connection_made(wire)
        for number in range(orders):
            wire.answered = asyncio.get_running_loop().create_future()
            connection.data_received(self._request(f"{name}.{number}"))
            self.statuses.append(int((await wire.answered).split(maxsplit=2)[1]))

    def _request(self, key: str) -> bytes:
        lines = [f"{name}: {value}" for name, value in self._headers(key).items()]
        return "\r\n".join(["POST /v1/orders HTTP/1.1", *lines]).encode() + b"\r\n\r\n" + BODY

    def _headers(self, key: str) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "content-length": str(len(BODY)),
            "idempotency-key": key,
        }

    def _scope(self, key: str) -> Scope:
        return {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/v1/orders",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in self._headers(key).items()],
            "client": ("127.0.0.1", 1),
        }

    async def _note(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


async def _receive() -> Message:
    return {"type": "http.request", "body": BODY, "more_body": False}


@asynccontextmanager
async def callers(url: str, folder: Path, *, way: str) -> AsyncIterator[Callers]:
    """Yield callers of an application that runs in this process and has what it looks up once."""
    with engine_for(url) as engine:
        token = given_owner_and_places(engine).token
    resources = make_resources(Settings.model_validate(a_servers_settings(url, folder)))
    async with running(resources):
        found = Callers(app=build_app(resources), token=token, at_the_parser=way == "parser")
        await found.place("warm", orders=2)
        yield found


async def first_cost(found: Callers, *, is_good: Callable[[float], bool]) -> list[float]:
    """Return what an order costs in pieces of work, round after round until one is good."""
    costs: list[float] = []
    while len(costs) < ROUNDS and not (costs and is_good(costs[-1])):
        before, began = seconds_of_a_piece(), time.process_time()
        await found.place(f"r{len(costs)}", orders=ORDERS)
        seconds = (time.process_time() - began) / (CLIENTS * ORDERS)
        costs.append(2 * seconds / (before + seconds_of_a_piece()))
    return costs


@pytest.mark.skipif("coverage" in sys.modules, reason="being watched costs more than an order")
@pytest.mark.parametrize("way", WAYS)
def test_an_order_costs_no_more_pieces_of_work_than_it_may_with_its_writing_and_all_threads(
    database: Database, tmp_path: Path, way: str
) -> None:
    async def measured() -> tuple[list[float], list[int]]:
        async with callers(database.url, tmp_path, way=way) as found:
            return await first_cost(found, is_good=lambda cost: cost <= MOST), found.statuses

    with rare_garbage_collection():
        costs, statuses = asyncio.run(measured())

    assert set(statuses) == {201}
    assert costs[-1] <= MOST, f"pieces of work that an order cost, by rounds: {[round(cost) for cost in costs]}"
