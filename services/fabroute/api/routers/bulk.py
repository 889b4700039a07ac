"""Tables of parts, revisions and certificates: in as CSV or JSON, all or nothing, and out again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import read_at_most
from fabroute.api.bulk.certificates import CERTIFICATES, certificate_rows
from fabroute.api.bulk.exporting import Export, ReadPage, Row, send_table
from fabroute.api.bulk.importing import ImportRefused, ImportResult, ImportTerms, TableKind, import_table
from fabroute.api.bulk.parts import PARTS, part_rows
from fabroute.api.bulk.revisions import REVISIONS, revision_rows
from fabroute.api.bulk.tables import MOST_ROWS, TableFormat, read_table
from fabroute.api.dependencies import InventoryReader, InventoryWriter, NetworkReader, NetworkWriter, Now, get_resources
from fabroute.api.schemas.imports import ImportedRowOut, ImportOut, ImportProblemOut
from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView
from fabroute.network import service as network
from fabroute.qualification import service as qualification

router = APIRouter(prefix="/v1", tags=["imports and exports"])

MAXIMUM_BYTES = 16 * 2**20
_PAGE = 200
_FORMATS: dict[str, TableFormat] = {"text/csv": "csv", "application/json": "json"}
_BODY: docs.Extra = {
    "requestBody": {
        "required": True,
        "description": "A CSV file in UTF-8 with a header line (separated by comma, semicolon or tab), or a JSON array "
        "of objects. Lists in a cell are written a|b or as JSON, other numbers of a part as kind:number, places as "
        "asset@position*quantity. A column that is not there leaves what is there as it is; an empty cell empties it. "
        f"Up to {MOST_ROWS:,} rows and {MAXIMUM_BYTES // 2**20} MiB.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}
_IMPORT_PROBLEMS = docs.problems(ImportRefused, errors.BodyTooLarge, errors.UnsupportedMediaType, errors.MalformedJson)
_TABLE: docs.Responses = {
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


@router.post("/imports/parts", responses=_IMPORT_PROBLEMS, openapi_extra=_BODY)
def import_parts(
    request: Request, caller: InventoryWriter, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Add and change parts, with their other numbers and places: all rows of a table, or none.

    The same table again changes nothing. Columns are those of the export.
    """
    return _import(request, PARTS, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/revisions", responses=_IMPORT_PROBLEMS, openapi_extra=_BODY)
def import_revisions(
    request: Request, caller: InventoryWriter, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Add revisions to parts that are there, and change drafts: all rows of a table, or none.

    The same table again changes nothing. Columns are those of the export.
    """
    return _import(request, REVISIONS, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/certificates", responses=_IMPORT_PROBLEMS, openapi_extra=_BODY)
def import_certificates(
    request: Request, caller: NetworkWriter, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Hand in certificates of your own nodes, or of any as the operator: all rows of a table, or none.

    The same table again changes nothing. Columns are those of the export.
    """
    return _import(request, CERTIFICATES, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.get("/exports/parts", response_class=StreamingResponse, responses=_TABLE | docs.problems())
def export_parts(request: Request, caller: InventoryReader, format: Format = "csv") -> StreamingResponse:
    """Read all your parts as a table, which an import takes back as it is."""
    export = Export(name="parts", columns=PARTS.columns, read=_of_parts(caller, part_rows))
    return send_table(get_resources(request).engine, export, format=format)


@router.get("/exports/revisions", response_class=StreamingResponse, responses=_TABLE | docs.problems())
def export_revisions(request: Request, caller: InventoryReader, format: Format = "csv") -> StreamingResponse:
    """Read all revisions of your parts as a table, which an import takes back as it is."""
    export = Export(name="revisions", columns=REVISIONS.columns, read=_of_parts(caller, revision_rows))
    return send_table(get_resources(request).engine, export, format=format)


@router.get("/exports/certificates", response_class=StreamingResponse, responses=_TABLE | docs.problems())
def export_certificates(request: Request, caller: NetworkReader, format: Format = "csv") -> StreamingResponse:
    """Read the certificates of your nodes (as the operator, of all) as a table, which an import takes back as it is."""
    export = Export(name="certificates", columns=CERTIFICATES.columns, read=_of_nodes(caller))
    return send_table(get_resources(request).engine, export, format=format)


def _import(request: Request, kind: TableKind[Model], sent: SentTable, terms: ImportTerms) -> ImportOut:
    resources = get_resources(request)
    table = read_table(sent.content, format=sent.format, columns=kind.columns)
    result = import_table(resources.engine, kind=kind, table=table, terms=terms)
    resources.doorbell.ring()
    return _import_out(result, dry_run=terms.dry_run)


def _of_parts(caller: Principal, rows_of: Callable[[Sequence[PartView]], Iterator[dict[str, object]]]) -> ReadPage:
    def read(session: Session, cursor: str | None) -> Page[Row]:
        query = inventory.PartQuery(cursor=cursor, limit=_PAGE)
        page = inventory.search_parts(session, organisation_id=caller.organisation_id, query=query)
        return Page(items=tuple(rows_of(page.items)), next_cursor=page.next_cursor)

    return read


def _of_nodes(caller: Principal) -> ReadPage:
    def read(session: Session, cursor: str | None) -> Page[Row]:
        own = network.nodes_of(session, organisation_id=caller.organisation_id)
        node_ids = None if caller.kind == "operator" else own
        page = qualification.list_certificates(session, node_ids=node_ids, cursor=cursor, limit=_PAGE)
        return Page(items=tuple(certificate_rows(page.items)), next_cursor=page.next_cursor)

    return read


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
    )
