"""The class of the console's routes: a form is read before the view runs, and answered once."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.params import Depends as DependsOn
from fastapi.routing import APIRoute

from fabroute.api.contract.routes import answered_once, calls_of
from fabroute.api.dependencies import Caller, get_session, get_telling_session
from fabroute.console.forms import with_form
from fabroute.console.navigation import require_owner
from fabroute.identity.rules import Principal


def shows_secret() -> None:
    """Mark a view whose answer holds a secret: it is kept encrypted for who sends the form twice, see ``SECRET``."""


SECRET = (Depends(shows_secret),)
"""The ``dependencies`` of a route whose page shows a secret."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_SESSIONS = (get_session, get_telling_session)


class ConsoleRoute(APIRoute):
    """A route whose POST takes a form.

    Where the view asks for a session, a form that is sent twice is answered once, as the API answers requests under an
    ``Idempotency-Key``. A view without one (orders, which the intake writes) hands the form's key to its service.
    """

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        answer = super().get_route_handler()
        if self.methods != {"POST"}:
            return answer
        calls = tuple(calls_of(self.dependant))
        is_keyed, is_secret = any(call in _SESSIONS for call in calls), shows_secret in calls

        async def answer_form(request: Request) -> Response:
            prepared = await with_form(request)
            if is_keyed and "Idempotency-Key" in prepared.headers:
                return await answered_once(prepared, answer, is_secret=is_secret)
            return await answer(prepared)

        return answer_form


async def get_owner(caller: Caller) -> Principal:
    """Return the caller if it is one who has parts made; ``OwnersPage`` otherwise."""
    require_owner(caller)
    return caller


OWNERS = (Depends(get_owner),)
"""The ``dependencies`` of a screen, or of a route, about somebody's own orders or parts."""


def console_router(*, dependencies: Sequence[DependsOn] = ()) -> APIRouter:
    """Return a router for a screen: its paths begin with ``/console``, and stand in no OpenAPI document."""
    return APIRouter(
        prefix="/console", route_class=ConsoleRoute, include_in_schema=False, dependencies=list(dependencies)
    )
