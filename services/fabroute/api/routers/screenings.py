"""Screenings: which parts of a spare-part list are worth a digital twin. A worker judges; the list waits in between."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from sqlmodel import Session

from fabroute.advice.rules.screening_terms import InvalidTerm
from fabroute.advice.service import screenings
from fabroute.advice.service.screenings import InvalidCursor, RankedPage, UnknownScreening
from fabroute.api import documentation as docs
from fabroute.api.bodies import field_problems
from fabroute.api.bulk.exporting import Export, ReadPage, Row, send_table
from fabroute.api.bulk.http import IMPORT_REFUSALS, MAXIMUM_BYTES, TABLE_ANSWER, Format, Sent, answered_with
from fabroute.api.bulk.importing import ImportTerms, import_table
from fabroute.api.bulk.screenings import COLUMNS, RESULT_COLUMNS, RankedRows, read_list, screening_kind
from fabroute.api.bulk.tables import MOST_ROWS
from fabroute.api.contract.attempts import json_answer
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    Now,
    OwnerReader,
    OwnerWriter,
    PageQuery,
    ReadSession,
    WriteSession,
    get_resources,
    work_of,
)
from fabroute.api.errors import OwnersOnly, ValidationFailed
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.screenings import (
    ScreenedRowOut,
    ScreeningOut,
    ScreeningQuery,
    VerdictName,
    screened_row_out,
    screening_out,
    terms_of_query,
)
from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import FieldProblem

router = APIRouter(prefix="/v1/advice/screenings", tags=["advice"], route_class=ContractRoute)

_PAGE = 5_000
_LISTS = ("process_materials",)
_LIST_BODY: docs.Extra = {
    "requestBody": {
        "required": True,
        "description": "A CSV file in UTF-8 with a header line (separated by comma, semicolon or tab), or a JSON array "
        f"of objects. Columns: {', '.join(column.name for column in COLUMNS)}, and demand_2026-01 and so on, one for "
        "each month, 0 where nothing was wanted. "
        "Only part_no is required; what is not known is left empty. Lists in a cell are written a|b. "
        "Amounts are in whole units of `currency` (EUR, if it is empty). "
        f"Up to {MOST_ROWS:,} rows and {MAXIMUM_BYTES // 2**20} MiB.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    },
    "parameters": [
        {"name": name, "in": "query", "required": False, "description": schema.get("description", ""), "schema": schema}
        for name, schema in ScreeningQuery.model_json_schema()["properties"].items()
    ],
}
_ACCEPTED: docs.Responses = {
    202: {
        "description": "The list is stored and will be judged, whatever happens to this process.",
        "headers": {"Location": {"description": "Where to follow it.", "schema": {"type": "string"}}},
    }
}


async def get_asked(request: Request) -> ScreeningQuery:
    """Return name and terms from the query; ``ValidationFailed`` with everything that can't be."""
    stated: dict[str, object] = dict(request.query_params)
    stated |= {name: request.query_params.getlist(name) for name in _LISTS if name in stated}
    try:
        return ScreeningQuery.model_validate(stated)
    except ValidationError as error:
        found = field_problems(error.errors(include_url=False, include_input=False))
    messages = [f"parameter {problem.pointer[1:]}: {problem.message}" for problem in found]
    problems = tuple(FieldProblem(pointer="", message=message) for message in messages)
    raise ValidationFailed("; ".join(messages), problems=problems)


@router.post(
    "",
    status_code=202,
    responses=_ACCEPTED | docs.problems(OwnersOnly, InvalidTerm, *IMPORT_REFUSALS),
    openapi_extra=_LIST_BODY,
)
def request_screening(
    request: Request,
    response: Response,
    caller: OwnerWriter,
    asked: Annotated[ScreeningQuery, Depends(get_asked)],
    table: Sent,
    now: Now,
) -> ScreeningOut:
    """Have a spare-part list looked through: which parts are worth a digital twin, and what each saves a year.

    All rows are taken, or none and every problem is told. `no` is the usual verdict; a part of which too little is
    known is `unclear`. Follow the Location until `state` is `done`.
    """
    resources, made = get_resources(request), list[str]()
    kind = screening_kind(terms_of_query(asked), name=asked.name, made=made)
    rows = read_list(table.content, format=table.format)
    terms = ImportTerms(caller=caller, now=now, dry_run=False)
    around = answered_with(request, lambda session, _: _accepted(screening_out(_found(session, caller, made[0]))))
    import_table(resources.tenants, kind=kind, table=rows, terms=terms, around=around)
    resources.doorbell.ring()
    response.headers["Location"] = f"{router.prefix}/{made[0]}"
    with work_of(request, caller) as session:
        return screening_out(_found(session, caller, made[0]))


@router.get("", responses=docs.NEXT_PAGE | docs.problems(OwnersOnly))
def list_screenings(
    request: Request, response: Response, caller: OwnerReader, session: ReadSession, page: PageQuery
) -> Listing[ScreeningOut]:
    """List your screenings, the newest first."""
    found = screenings.list_screenings(
        session, organisation_id=caller.organisation_id, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, screening_out)


@router.get("/{screening_id}", responses=docs.problems(OwnersOnly, UnknownScreening))
def read_screening(screening_id: Identifier, caller: OwnerReader, session: ReadSession) -> ScreeningOut:
    """Read how far a screening is, and what came of it so far."""
    return screening_out(_found(session, caller, screening_id))


@router.get(
    "/{screening_id}/rows", responses=docs.NEXT_PAGE | docs.problems(OwnersOnly, UnknownScreening, InvalidCursor)
)
def list_screened_parts(
    request: Request,
    response: Response,
    screening_id: Identifier,
    caller: OwnerReader,
    session: ReadSession,
    page: PageQuery,
    verdict: Annotated[VerdictName | None, Query(description="Only parts with this verdict.")] = None,
) -> Listing[ScreenedRowOut]:
    """List the parts of a screening by yearly saving, the largest first, then those without one, with every figure."""
    found = screenings.rank_screened_rows(
        session,
        organisation_id=caller.organisation_id,
        screening_id=screening_id,
        verdict=verdict,
        page=RankedPage(cursor=page.cursor, limit=page.limit),
    )
    return listing(request, response, found, screened_row_out)


@router.get(
    "/{screening_id}/result",
    response_class=StreamingResponse,
    responses=TABLE_ANSWER | docs.problems(OwnersOnly, UnknownScreening),
)
def download_screening(
    request: Request, screening_id: Identifier, caller: OwnerReader, format: Format = "csv"
) -> StreamingResponse:
    """Read all parts of a screening as a table, ranked by yearly saving."""
    export = Export(name="screening", columns=RESULT_COLUMNS, read=_ranked(caller, screening_id))
    return send_table(partial(work_of, request, caller), export, format=format)


@router.delete("/{screening_id}", status_code=204, responses=docs.problems(OwnersOnly, UnknownScreening))
def remove_screening(screening_id: Identifier, caller: OwnerWriter, session: WriteSession) -> None:
    """Remove a screening with all of its rows; one that is still being judged stops."""
    screenings.remove_screening(session, organisation_id=caller.organisation_id, screening_id=screening_id)


def _accepted(answer: ScreeningOut) -> Response:
    return json_answer(answer, status=202, location=f"{router.prefix}/{answer.id}")


def _found(session: Session, caller: Principal, screening_id: str) -> screenings.ScreeningView:
    return screenings.get_screening(session, organisation_id=caller.organisation_id, screening_id=screening_id)


def _ranked(caller: Principal, screening_id: str) -> ReadPage:
    ranked = RankedRows()

    def read(session: Session, cursor: str | None) -> Page[Row]:
        page = screenings.rank_screened_rows(
            session,
            organisation_id=caller.organisation_id,
            screening_id=screening_id,
            verdict=None,
            page=RankedPage(cursor=cursor, limit=_PAGE),
        )
        return Page(items=tuple(ranked.rows_of(page.items)), next_cursor=page.next_cursor)

    return read
