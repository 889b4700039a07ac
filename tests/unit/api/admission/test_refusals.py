import asyncio

import pytest
from fastapi import Request
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from fabroute.api.admission.refusals import Pressure, TooBusy, send_refusal
from fabroute.api.app import build_app
from fabroute.api.callers.wrong_keys import TooManyWrongKeys
from fabroute.api.contract.limits import RateLimited
from fabroute.api.problems import problem_response
from fabroute.api.resources import make_resources
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def make_pressure(clock: Clock) -> Pressure:
    """Its clients are asked to come back as late as may be."""
    return Pressure(clock=clock, pick=lambda _, latest: latest)


def refuse(pressure: Pressure, clock: Clock, *, served: int, refused: int) -> None:
    for _ in range(served):
        pressure.note_served()
    clock.seconds += 1
    for _ in range(refused):
        pressure.note_refused("too_busy")


def test_the_more_is_refused_the_later_clients_come_back_and_never_later_than_half_a_minute() -> None:
    clock = Clock()
    pressure = make_pressure(clock)
    latest = [pressure.retry_after()]
    for refused in (100, 400, 100_000):
        refuse(pressure, clock, served=100, refused=refused)
        refuse(pressure, clock, served=0, refused=1)
        latest.append(pressure.retry_after())

    assert latest[0] == 2
    assert latest == sorted(latest)
    assert latest[-1] == 30


def test_clients_are_spread_over_the_seconds() -> None:
    pressure = Pressure()
    assert {pressure.retry_after() for _ in range(200)} == {1, 2}


def test_the_log_says_once_a_second_how_many_were_refused() -> None:
    clock = Clock()
    pressure = make_pressure(clock)
    with capture_logs() as log:
        for _ in range(3):
            pressure.note_refused("too_busy")
        pressure.note_served()
        clock.seconds += 1
        pressure.note_refused("rate_limited")
        pressure.note_refused("rate_limited")

    assert [(it["served"], it["too_busy"], it["rate_limited"]) for it in log] == [(1, 3, 1)]
    assert log[0]["event"] == "requests refused at the gate"


@pytest.mark.parametrize("kind", [TooBusy, RateLimited, TooManyWrongKeys])
def test_a_cheap_refusal_is_to_the_byte_what_the_problem_handlers_say(kind: type[DomainError]) -> None:
    settings = Settings(database_url="postgresql://nobody@/nowhere", public_url="https://fabroute.example.com/")
    app = build_app(make_resources(settings))
    scope: Scope = {"type": "http", "app": app, "state": {"request_id": "req-1"}, "headers": []}
    error, sent = kind('wait 3 s: "soon" – or later', headers={"Retry-After": "3"}), list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(send_refusal(error, scope, send, public_url=settings.public_url))
    usual = problem_response(Request(scope), error)

    assert (sent[0]["status"], sent[1]["body"]) == (usual.status_code, usual.body)
    assert sorted(sent[0]["headers"]) == sorted(usual.raw_headers)
