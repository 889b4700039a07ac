"""Tables of parts, revisions and certificates: in as CSV or JSON, all or nothing, and out again."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api.bulk.certificates import CERTIFICATES, certificate_rows
from fabroute.api.bulk.exporting import Export, ReadPage, Row, send_table
from fabroute.api.bulk.http import IMPORT_PROBLEMS, TABLE_ANSWER, TABLE_BODY, DryRun, Format, Sent, run_import
from fabroute.api.bulk.importing import ImportTerms
from fabroute.api.bulk.parts import PARTS, part_rows
from fabroute.api.bulk.revisions import REVISIONS, revision_rows
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import InventoryReader, InventoryWriter, NetworkReader, NetworkWriter, Now, work_of
from fabroute.api.schemas.imports import ImportOut
from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView
from fabroute.network import service as network
from fabroute.qualification import service as qualification

router = APIRouter(prefix="/v1", tags=["imports and exports"], route_class=ContractRoute)

_PAGE = 200


@router.post("/imports/parts", responses=IMPORT_PROBLEMS, openapi_extra=TABLE_BODY)
def import_parts(
    request: Request, caller: InventoryWriter, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Add and change parts, with their other numbers and places: all rows of a table, or none.

    The same table again changes nothing. Columns are those of the export.
    """
    return run_import(request, PARTS, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/revisions", responses=IMPORT_PROBLEMS, openapi_extra=TABLE_BODY)
def import_revisions(
    request: Request, caller: InventoryWriter, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Add revisions to parts that are there, and change drafts: all rows of a table, or none.

    The same table again changes nothing. Columns are those of the export.
    """
    return run_import(request, REVISIONS, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/certificates", responses=IMPORT_PROBLEMS, openapi_extra=TABLE_BODY)
def import_certificates(
    request: Request, caller: NetworkWriter, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Hand in certificates of your own nodes, or of any as the operator: all rows of a table, or none.

    The same table again changes nothing. Columns are those of the export.
    """
    return run_import(request, CERTIFICATES, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.get("/exports/parts", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_parts(request: Request, caller: InventoryReader, format: Format = "csv") -> StreamingResponse:
    """Read all your parts as a table, which an import takes back as it is."""
    export = Export(name="parts", columns=PARTS.columns, read=_of_parts(caller, part_rows))
    return send_table(partial(work_of, request, caller), export, format=format)


@router.get("/exports/revisions", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_revisions(request: Request, caller: InventoryReader, format: Format = "csv") -> StreamingResponse:
    """Read all revisions of your parts as a table, which an import takes back as it is."""
    export = Export(name="revisions", columns=REVISIONS.columns, read=_of_parts(caller, revision_rows))
    return send_table(partial(work_of, request, caller), export, format=format)


@router.get("/exports/certificates", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_certificates(request: Request, caller: NetworkReader, format: Format = "csv") -> StreamingResponse:
    """Read the certificates of your nodes (as the operator, of all) as a table, which an import takes back as it is."""
    export = Export(name="certificates", columns=CERTIFICATES.columns, read=_of_nodes(caller))
    return send_table(partial(work_of, request, caller), export, format=format)


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
