"""Answers plain orders where the server parses them: no task and no ASGI for what is asked thousands of times a second.

uvicorn's protocol, with one thing more: an order that ``plain_request`` knows for one is queued as soon as its last
byte is read, and answered once it is committed. Until then it stands where uvicorn has the request that it answers
(its ``cycle``), so what uvicorn does for those holds for it too: requests behind it wait, a server that ends waits for
it. Whatever is unusual in any way becomes a request of the application's, which has the last word; an answer tells
nobody which way it came (ADR 43).
"""

import asyncio
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import structlog
from fastapi import FastAPI
from httptools import HttpParserCallbackError
from starlette.types import Scope
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from fabroute.api.admission.turns import Party
from fabroute.api.contract.limits import limits_told
from fabroute.api.intake.plain_orders import ORDERS, PLACING, asked_of, needs_the_desk_only
from fabroute.api.measuring.measured import BEGAN, HUNG_UP, note_request
from fabroute.api.middleware import give_request_id
from fabroute.api.plain import PlainRequest, valid
from fabroute.api.resources import Resources
from fabroute.api.schemas.orders import OrderRequest
from fabroute.api.submissions import submission_of
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from fabroute.orders.service import Placed, Placing
from fabroute.telemetry.tracing import is_tracing

_URL = ORDERS.encode()
_REQUEST = {"method": "POST", "path": ORDERS, "raw_path": _URL, "query_string": b""}
AT_ONCE_SECONDS = 0.05
"""Whose body comes later than that after its headers is asked for its key again: it may be good no more."""
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.api.intake")


class _Nobody:
    """Whom uvicorn tells that something has come: an order is read when it is whole."""

    def set(self) -> None:
        """Tell nobody."""


@dataclass(eq=False, slots=True)
class _Exchange:
    """One order and its answer, with what uvicorn asks of a request that it answers. Without ``kw_only``: one each."""

    scope: Scope
    asked: PlainRequest
    resources: Resources
    began: float
    body: bytes = b""
    party: Party | None = None
    disconnected: bool = False
    keep_alive: bool = True
    response_complete: bool = False
    message_event: _Nobody = field(default_factory=_Nobody)


class OrdersAtTheParser(HttpToolsProtocol):
    """One connection of a client. What it does belongs to the event loop's thread."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._api = config.app if isinstance(config.app, FastAPI) and not is_tracing() else None
        self._reading: _Exchange | None = None

    def on_headers_complete(self) -> None:
        """Begin a request: an order here, everything else as uvicorn does."""
        self._reading = self._begun()
        if self._reading is None:
            super().on_headers_complete()
        else:
            self.cycle = cast(RequestResponseCycle, self._reading)

    def on_body(self, body: bytes) -> None:
        """Take some bytes of a body; those of an order are few, its headers say so."""
        if self._reading is None:
            super().on_body(body)
        else:
            self._reading.body += body

    def on_message_complete(self) -> None:
        """Queue an order that is whole, or pass it on to the application."""
        exchange = self._reading
        if exchange is None:
            super().on_message_complete()
            return
        if not self._is_queued(exchange):
            self._pass_on(exchange)
        self._reading = None

    def send_400_response(self, msg: str) -> None:
        """Answer what can't be parsed. A bug of ours in a callback is called the same by the parser, but isn't."""
        exchange, error = self._reading, sys.exception()
        is_ours = isinstance(error, HttpParserCallbackError)
        if is_ours:
            _log.error("a bug: a request could not be read", exc_info=error and error.__context__)
        if exchange is None or not is_ours:
            super().send_400_response(msg)
            return
        self._reading, exchange.keep_alive = None, False
        self.flow.pause_reading()
        self._pass_on(exchange)

    def _begun(self) -> _Exchange | None:
        """Return an order whose headers are those of a plain one, if nothing before it waits for an answer."""
        if self._api is None or self.url != _URL or self.parser.get_method() != b"POST" or not self._is_free():
            return None
        resources: Resources | None = self._api.state.resources
        if resources is None or self.root_path:
            return None
        scope = cast(Scope, self.scope)
        scope.update(_REQUEST, app=self._api)
        asked = asked_of(scope, resources)
        return None if asked is None else _Exchange(scope, asked, resources, time.perf_counter())

    def _is_free(self) -> bool:
        before = cast("RequestResponseCycle | None", self.cycle)
        return (
            (before is None or before.response_complete)
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
        )

    def _is_queued(self, exchange: _Exchange) -> bool:
        """Have an order written, if there is a turn for it now and all that it takes is remembered here."""
        asked, resources = exchange.asked, exchange.resources
        if time.perf_counter() - exchange.began > AT_ONCE_SECONDS:
            return False
        party = resources.turns.enter_at_once(asked.principal.organisation_id)
        if party is None:
            return False
        placing = None
        try:
            placing = _begun_placing(exchange)
        except DomainError:  # the application says it, with all that belongs to a refusal
            return False
        finally:
            if placing is None:
                resources.turns.leave(party)
        if placing is None:
            return False
        exchange.party = party
        resources.pressure.note_served()
        placing.add_done_callback(partial(self._settle, exchange))
        return True

    def _settle(self, exchange: _Exchange, placing: asyncio.Future[Placing]) -> None:
        """Answer an order that was placed; what else became of it, the application says."""
        assert exchange.party is not None
        exchange.resources.turns.leave(exchange.party)
        placed = None if placing.cancelled() or placing.exception() is not None else placing.result()
        if isinstance(placed, Placed):
            self._answer(exchange, placed)
        else:
            exchange.scope[PLACING] = placing
            self._pass_on(exchange)

    def _answer(self, exchange: _Exchange, placed: Placed) -> None:
        request_id = give_request_id(exchange.scope)
        exchange.response_complete = True
        if not exchange.disconnected and not self.transport.is_closing():
            self.transport.write(self._response(exchange, placed, request_id))
            if not exchange.keep_alive:
                self.transport.close()
        self.on_response_complete()
        _count(exchange, 201)
        exchange.resources.placed.note(placed, request_id=request_id.decode())

    def _response(self, exchange: _Exchange, placed: Placed, request_id: bytes) -> bytes:
        answer = placed.answer
        headers = (
            *self.server_state.default_headers,
            (b"location", placed.location.encode()),
            (b"content-length", b"%d" % len(answer)),
            (b"content-type", b"application/json"),
            (b"x-request-id", request_id),
            *limits_told(exchange.scope),
            *(() if exchange.keep_alive else ((b"connection", b"close"),)),
        )
        return b"".join((STATUS_LINE[201], *(b"%b: %b\r\n" % header for header in headers), b"\r\n", answer))

    def _pass_on(self, exchange: _Exchange) -> None:
        """Make an order a request of the application's, which was read to its end."""
        if exchange.disconnected or self.transport.is_closing():
            _count(exchange, HUNG_UP)
            return
        exchange.scope[BEGAN] = exchange.began
        cycle = RequestResponseCycle(
            scope=exchange.scope,  # type: ignore[arg-type]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.body += exchange.body
        cycle.more_body = False
        cycle.message_event.set()
        if self.cycle is cast(RequestResponseCycle, exchange):
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)


def _count(exchange: _Exchange, status: int) -> None:
    seconds = time.perf_counter() - exchange.began
    note_request(exchange.resources.measuring.measures, "POST", ORDERS, status, seconds=seconds)


def _begun_placing(exchange: _Exchange) -> asyncio.Future[Placing] | None:
    asked, body = exchange.asked, valid(exchange.body, OrderRequest)
    if body is None or not needs_the_desk_only(body):
        return None
    submission = submission_of(asked.principal, body, idempotency_key=asked.key, now=utc_now())
    return exchange.resources.desk.begin(submission)
