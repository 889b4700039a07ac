"""What all imports and exports of tables have in common over HTTP: the body, the answer, the description."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import read_at_most
from fabroute.api.bulk.importing import Around, ImportRefused, ImportResult, ImportTerms, TableKind, import_table
from fabroute.api.bulk.tables import MOST_ROWS, TableFormat, read_table
from fabroute.api.contract.attempts import answering, json_answer
from fabroute.api.dependencies import get_resources
from fabroute.api.schemas.imports import ImportedRowOut, ImportOut, ImportProblemOut

MAXIMUM_BYTES = 16 * 2**20
_FORMATS: dict[str, TableFormat] = {"text/csv": "csv", "application/json": "json"}
_FORM = "A CSV file in UTF-8 with a header line (separated by comma, semicolon or tab), or a JSON array of objects."
_SIZE = f"Up to {MOST_ROWS:,} rows and {MAXIMUM_BYTES // 2**20} MiB."


def table_body(cells: str) -> docs.Extra:
    """Return the description of a table as a request's body; ``cells`` says how they are written."""
    return {
        "requestBody": {
            "required": True,
            "description": f"{_FORM} {cells} {_SIZE}",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            },
        }
    }


TABLE_BODY = table_body(
    "Lists in a cell are written a|b or as JSON, other numbers of a part as kind:number, places as "
    "asset@position*quantity. A column that is not there leaves what is there as it is; an empty cell empties it."
)
IMPORT_REFUSALS = (ImportRefused, errors.BodyTooLarge, errors.UnsupportedMediaType, errors.MalformedJson)
IMPORT_PROBLEMS = docs.problems(*IMPORT_REFUSALS)
TABLE_ANSWER: docs.Responses = {
    200: {
        "description": "The table.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}
Model = TypeVar("Model", bound=BaseModel)
DryRun = Annotated[bool, Query(description="Only tell what would be done, and everything that is wrong.")]
Format = Annotated[Literal["csv", "json"], Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTable:
    """A table as it came in."""

    content: bytes
    format: TableFormat


async def get_table(request: Request) -> SentTable:
    """Return the table in the request's body; ``UnsupportedMediaType`` or ``BodyTooLarge``."""
    declared = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if declared not in _FORMATS:
        raise errors.UnsupportedMediaType("send the table with Content-Type: text/csv or application/json")
    return SentTable(content=await read_at_most(request, MAXIMUM_BYTES), format=_FORMATS[declared])


Sent = Annotated[SentTable, Depends(get_table)]


def run_import(request: Request, kind: TableKind[Model], sent: SentTable, terms: ImportTerms) -> ImportOut:
    """Do what a table says and return what that came to; ``ImportRefused`` with every problem of every row."""
    resources = get_resources(request)
    table = read_table(sent.content, format=sent.format, columns=kind.columns)
    around = answered_with(request, lambda _, result: json_answer(_import_out(result, dry_run=terms.dry_run)))
    result = import_table(resources.tenants, kind=kind, table=table, terms=terms, around=around)
    resources.doorbell.ring()
    if not terms.dry_run:
        resources.quotes.books.outdated(told=terms.caller.organisation_id)
    return _import_out(result, dry_run=terms.dry_run)


def answered_with(request: Request, answer: Callable[[Session, ImportResult], Response]) -> Around:
    """Return what keeps ``answer`` under the request's ``Idempotency-Key`` in the transaction of an import."""

    @contextmanager
    def around(session: Session) -> Iterator[Callable[[ImportResult], None]]:
        with answering(request, session) as attempt:
            yield lambda result: None if attempt is None else attempt.note(answer(session, result))

    return around


def _import_out(result: ImportResult, *, dry_run: bool) -> ImportOut:
    return ImportOut(
        dry_run=dry_run,
        rows=len(result.rows),
        created=result.count("created"),
        changed=result.count("changed"),
        unchanged=result.count("unchanged"),
        results=[ImportedRowOut(row=row.number, key=row.key, outcome=row.outcome) for row in result.rows],
        problems=[
            ImportProblemOut(
                row=problem.row,
                line=problem.line,
                field=problem.field,
                pointer=problem.pointer,
                code=problem.code,
                message=problem.message,
            )
            for problem in result.problems
        ],
        warnings=list(result.warnings),
    )
