"""Every error as ``application/problem+json`` (RFC 9457), with a stable code, pointers and the request's id."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import exc as sqlalchemy_errors
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Match

from fabroute.api.bodies import problem_message
from fabroute.api.errors import (
    IdempotencyKeyInFlight,
    InternalError,
    MethodNotAllowed,
    RouteNotFound,
    TemporarilyUnavailable,
    ValidationFailed,
)
from fabroute.database import ForeignTenant, is_foreign_write, unit_of_work
from fabroute.identity.service import AuditedRefusal, AuditRecord, record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.service.leases import ReportedLate
from fabroute.production.service.phases.reconciling import keep_late

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = {429: "1", 503: "2"}
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""The present names (RFC 9110) of what older Pythons call otherwise."""
_UNAVAILABLE = (
    psycopg.OperationalError,
    sqlalchemy_errors.OperationalError,
    sqlalchemy_errors.InterfaceError,
    sqlalchemy_errors.TimeoutError,
)
"""What a database that does not answer is told by."""
ANSWERED = (DomainError, *_UNAVAILABLE, sqlalchemy_errors.ProgrammingError)
"""Errors that are answered in words of their own; any other is our mistake."""
_LONGEST_LOGGED_PATH = 200
_WORD = re.compile(r"v1|[a-z]{0,24}")
_logger = structlog.get_logger(__name__)


class FieldProblemBody(BaseModel):
    """One field that can't be taken."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the request body; empty for a query parameter.")
    message: str = Field(description="What is wrong with it, and what may be there.")


class ProblemBody(BaseModel):
    """An error, as RFC 9457 describes it. Programs branch on `code`; people read `detail`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:fabroute:problem:unknown_part",
                "title": "Unprocessable Content",
                "status": 422,
                "code": "unknown_part",
                "detail": "you have no part RL-0099: GET /v1/parts",
                "doc_url": "https://fabroute.example.com/docs/errors/unknown_part",
                "request_id": "req_01jz3v8c5h9m2n4p6q8r0s2t4v",
                "errors": [{"pointer": "/lines/0/part", "message": "you have no part RL-0099: GET /v1/parts"}],
            }
        }
    )

    type: str = Field(description="`urn:fabroute:problem:` and the code.")
    title: str = Field(description="The status in words.")
    status: int
    code: str = Field(description="Stable name of the reason.")
    detail: str = Field(description="What happened and what to do, for people.")
    doc_url: str = Field(description="A page about this code: what it means and what to do.")
    request_id: str = Field(description="Also in the header X-Request-Id; name it when you ask for help.")
    errors: list[FieldProblemBody] = Field(
        description="The fields that can't be taken, and of `quote_not_kept` each reason; empty for other errors."
    )
    details: dict[str, Any] | None = Field(
        default=None,
        description="What a program can go on with, by `code`: ids, reasons with figures. Not always there. Of "
        "`quote_not_kept`: `quote_id`, `offer`, `quantity`, `node_id`; `reasons`, each with `code`, `message`, "
        "`figures` and `machine_id`; `alternative`, which is null or has `node_id`, `city`, `country`, `service`, "
        "`landed`, `promised_at`, `more_minor` (cents dearer than quoted) and `later_hours`. Of "
        "`quote_already_accepted`: `order_id`.",
    )


def problem_response(request: Request, error: DomainError) -> Response:
    """Return the answer for an error: its status, its words, its headers."""
    request_id = request_id_of(request)
    body = ProblemBody(
        type=f"urn:fabroute:problem:{error.code}",
        title=_TITLES.get(error.status, HTTPStatus(error.status).phrase),
        status=error.status,
        code=error.code,
        detail=error.message,
        doc_url=f"{request.app.state.resources.settings.public_url.rstrip('/')}/docs/errors/{error.code}",
        request_id=request_id,
        errors=[FieldProblemBody(pointer=item.pointer, message=item.message) for item in error.problems],
        details=error.details or None,
    )
    return Response(
        body.model_dump_json(exclude=None if error.details else {"details"}),
        status_code=error.status,
        headers=_headers(error, request_id),
        media_type=MEDIA_TYPE,
    )


def request_id_of(request: Request) -> str:
    """Return the id that the request came with or was given."""
    found: str = request.scope["state"]["request_id"]
    return found


def install_problem_handlers(app: FastAPI) -> None:
    """Make ``app`` answer every error with a problem, and tell nobody outside how it works inside."""
    app.add_exception_handler(DomainError, _refused)
    app.add_exception_handler(AuditedRefusal, _refused_on_record)
    app.add_exception_handler(ReportedLate, _reported_late)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(sqlalchemy_errors.ProgrammingError, _programming_error)
    for unavailable in _UNAVAILABLE:
        app.add_exception_handler(unavailable, _database_unavailable)
    app.add_exception_handler(Exception, _unexpected)


async def refused(request: Request, error: DomainError) -> Response:
    """Return the answer for an error that no exception handler gets to see: logged and audited as if one did."""
    handler = _refused_on_record if isinstance(error, AuditedRefusal) else _refused
    return await handler(request, error)


async def answered(request: Request, error: Exception) -> Response:
    """Return the answer for one of the errors ``ANSWERED`` that no exception handler gets to see."""
    if isinstance(error, DomainError):
        return await refused(request, error)
    if isinstance(error, sqlalchemy_errors.ProgrammingError):
        return await _programming_error(request, error)
    return await _database_unavailable(request, error)


def _refusal(request: Request, error: DomainError) -> Response:
    """Return the answer for an error, once it stands in the log under the request's id."""
    note_refusal(request, error)
    return problem_response(request, error)


def note_refusal(request: Request, error: DomainError) -> None:
    """Log a refusal that is answered in another form than a problem's."""
    _logger.info("request refused", **_log_entry(request, error))


def _log_entry(request: Request, error: DomainError) -> dict[str, object]:
    """Return what finds a refused request again: never its query or its headers, and no token out of its path."""
    path = getattr(request.scope.get("route"), "path", None)
    return {
        "request_id": request_id_of(request),
        "method": request.method,
        "path": _without_secrets(request.url.path) if path is None else path,
        "status": error.status,
        "code": error.code,
    }


def _without_secrets(path: str) -> str:
    """Return a path where nothing is as it is logged: only words stay, for the rest may be a token at a wrong place."""
    words = [part if _WORD.fullmatch(part) else "…" for part in path[:_LONGEST_LOGGED_PATH].split("/")]
    return "/".join(words)


def _headers(error: DomainError, request_id: str) -> Mapping[str, str]:
    headers = dict(error.headers)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="fabroute"')
    if error.code == IdempotencyKeyInFlight.code:
        headers.setdefault("Retry-After", "1")
    if error.status in _RETRY_AFTER_SECONDS:
        headers.setdefault("Retry-After", _RETRY_AFTER_SECONDS[error.status])
    return headers


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    return _refusal(request, error)


async def _refused_on_record(request: Request, error: Exception) -> Response:
    """Answer a refusal that belongs on the audit log: what was refused is rolled back by now, this is not."""
    assert isinstance(error, AuditedRefusal)
    try:
        await run_in_threadpool(_record, request, error.entry)
    except _UNAVAILABLE as unavailable:
        return await _database_unavailable(request, unavailable)
    return _refusal(request, error)


async def _reported_late(request: Request, error: Exception) -> Response:
    """Answer a report under a lease that was over: it counts no longer, but is kept for a person."""
    assert isinstance(error, ReportedLate)
    try:
        await run_in_threadpool(_keep, request, error)
    except _UNAVAILABLE as unavailable:
        return await _database_unavailable(request, unavailable)
    return _refusal(request, error)


def _keep(request: Request, error: ReportedLate) -> None:
    with unit_of_work(request.app.state.resources.engine) as session:
        keep_late(session, late=error.late)


def _record(request: Request, entry: AuditRecord) -> None:
    with unit_of_work(request.app.state.resources.engine) as session:
        record_audit(session, entry=entry)


async def _invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = {str(item["loc"][0]) for item in error.errors()}
    if "path" in places:
        return _refusal(request, RouteNotFound(f"there is nothing at {request.url.path}"))
    messages = [f"parameter {item['loc'][-1]}: {problem_message(item)}" for item in error.errors()]
    problems = tuple(FieldProblem(pointer="", message=message) for message in messages)
    return _refusal(request, ValidationFailed("; ".join(messages), problems=problems))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(methods_at(request))
        refusal: DomainError = MethodNotAllowed(
            f"{request.method} is not for {request.url.path}, but {allowed}", headers={"Allow": allowed}
        )
    else:
        refusal = RouteNotFound(
            f"there is nothing at {request.url.path}: the handbook is at /docs, the description at /openapi.json"
        )
    return _refusal(request, refusal)


def methods_at(request: Request) -> list[str]:
    """Return what may be done at the place that the request names best: `…/aliases` is no part number with a slash."""
    scope = dict(request.scope)
    routes = [route for route in request.app.state.operations if route.matches(scope)[0] != Match.NONE]
    here = [route.methods for route in routes if route.path == routes[0].path] or [{"GET"}]  # such as /openapi.json
    return [name for name in ("GET", "POST", "PUT", "PATCH", "DELETE") if any(name in methods for methods in here)]


async def _database_unavailable(request: Request, error: Exception) -> Response:
    refusal = TemporarilyUnavailable("the database does not answer: repeat the request, it does no harm to do so")
    _logger.warning("database unavailable", error=str(error), **_log_entry(request, refusal))
    return problem_response(request, refusal)


async def _programming_error(request: Request, error: Exception) -> Response:
    """Answer what row-level security refused to write: a check that should have been made before is missing."""
    assert isinstance(error, sqlalchemy_errors.ProgrammingError)
    if not is_foreign_write(error):
        raise error
    refusal = ForeignTenant("this belongs to another organisation: nothing was changed")
    _logger.error("write for another tenant refused", error=str(error.orig), **_log_entry(request, refusal))
    return problem_response(request, refusal)


async def _unexpected(request: Request, error: Exception) -> Response:
    request_id = request_id_of(request)
    refusal = InternalError(
        f"this is our mistake: report the request id {request_id} to whoever runs this installation"
    )
    _logger.error("unexpected error", exc_info=error, **_log_entry(request, refusal))
    response = problem_response(request, refusal)
    response.headers["Connection"] = "close"  # as the server will do: the client shall not use it again
    return response
