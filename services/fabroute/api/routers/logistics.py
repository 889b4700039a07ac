"""Dated tables of carriers, customs, carbon, grids and currencies: brought in by the operator, read by everyone."""

from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api.bulk.dated import (
    CARBON_FACTORS,
    DUTY_RULES,
    EXCHANGE_RATES,
    GRID_INTENSITIES,
    duty_rule_row,
    plain_row,
)
from fabroute.api.bulk.exporting import Export, ReadPage, Row, Work, send_table
from fabroute.api.bulk.http import IMPORT_REFUSALS, TABLE_ANSWER, DryRun, Format, Sent, run_import, table_body
from fabroute.api.bulk.importing import ImportTerms, TableKind
from fabroute.api.bulk.tariffs import CARRIER_TARIFFS, tariff_rows
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Filter, NetworkReader, NetworkWriter, Now, PageQuery, ReadSession, work_of
from fabroute.api.errors import OperatorOnly
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.imports import ImportOut
from fabroute.api.schemas.logistics import (
    CarbonFactorOut,
    CarrierTariffOut,
    DutyRuleOut,
    ExchangeRateOut,
    GridIntensityOut,
    carbon_factor_out,
    carrier_tariff_out,
    duty_rule_out,
    exchange_rate_out,
    grid_intensity_out,
)
from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.logistics import service as logistics
from fabroute.logistics.rules import Mode, Service, Zone
from fabroute.logistics.service import DatedQuery, DatedTable

router = APIRouter(prefix="/v1", tags=["logistics"], route_class=ContractRoute)

_PAGE = 200
_PROBLEMS = docs.problems(OperatorOnly, *IMPORT_REFUSALS)
_BODY = table_body(
    "A row says all of what it is about, and takes the place of the one that is there; rows that are not in the table "
    "stay as they are. Amounts are in euro with two decimals, days as YYYY-MM-DD; valid_to is the last day."
)
On = Annotated[
    date | None,
    # Else a number would be taken for seconds since 1970.
    BeforeValidator(lambda written: date.fromisoformat(written)),
    Query(description="Only what holds on this day: YYYY-MM-DD."),
]


async def get_network_operator(principal: NetworkWriter) -> Principal:
    """Return the caller if it is the operator; ``OperatorOnly`` otherwise."""
    if principal.kind != "operator":
        raise OperatorOnly("these tables are the same for everyone: it takes a key of the operator to change them")
    return principal


NetworkOperator = Annotated[Principal, Depends(get_network_operator)]


@router.get("/carrier-tariffs", responses=docs.NEXT_PAGE | docs.problems())
def list_carrier_tariffs(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    on: On = None,
    carrier: Filter = None,
    zone: Zone | None = None,
    service: Service | None = None,
) -> Listing[CarrierTariffOut]:
    """List what carriers ask for each service into each zone, and how long they take."""
    equal = {"carrier": carrier, "zone": zone, "service": service}
    query = DatedQuery(on=on, equal=equal, cursor=page.cursor, limit=page.limit)
    found = logistics.list_rows(session, table=logistics.CARRIER_TARIFFS, query=query)
    return listing(request, response, found, carrier_tariff_out)


@router.get("/duty-rules", responses=docs.NEXT_PAGE | docs.problems())
def list_duty_rules(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    on: On = None,
    territory: Filter = None,
    consignment: Literal["b2c", "b2b"] | None = None,
) -> Listing[DutyRuleOut]:
    """List what customs take. Of a territory's rules of a day, the one with the lowest limit over the value counts."""
    equal = {"territory": territory, "consignment": consignment}
    query = DatedQuery(on=on, equal=equal, cursor=page.cursor, limit=page.limit)
    found = logistics.list_rows(session, table=logistics.DUTY_RULES, query=query)
    return listing(request, response, found, duty_rule_out)


@router.get("/carbon-factors", responses=docs.NEXT_PAGE | docs.problems())
def list_carbon_factors(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    on: On = None,
    mode: Mode | None = None,
) -> Listing[CarbonFactorOut]:
    """List what transport modes emit, well to wheel."""
    query = DatedQuery(on=on, equal={"mode": mode}, cursor=page.cursor, limit=page.limit)
    found = logistics.list_rows(session, table=logistics.CARBON_FACTORS, query=query)
    return listing(request, response, found, carbon_factor_out)


@router.get("/grid-intensities", responses=docs.NEXT_PAGE | docs.problems())
def list_grid_intensities(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    on: On = None,
    country: Filter = None,
) -> Listing[GridIntensityOut]:
    """List what the grids of countries emit; a country without a figure counts as `*`, marked as assumed."""
    query = DatedQuery(on=on, equal={"country": country}, cursor=page.cursor, limit=page.limit)
    found = logistics.list_rows(session, table=logistics.GRID_INTENSITIES, query=query)
    return listing(request, response, found, grid_intensity_out)


@router.get("/exchange-rates", responses=docs.NEXT_PAGE | docs.problems())
def list_exchange_rates(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    on: On = None,
    currency: Filter = None,
) -> Listing[ExchangeRateOut]:
    """List what a euro buys. A currency without a rate of the day is refused, never guessed."""
    query = DatedQuery(on=on, equal={"currency": currency}, cursor=page.cursor, limit=page.limit)
    found = logistics.list_rows(session, table=logistics.EXCHANGE_RATES, query=query)
    return listing(request, response, found, exchange_rate_out)


@router.post("/imports/carrier-tariffs", responses=_PROBLEMS, openapi_extra=_BODY)
def import_carrier_tariffs(
    request: Request, caller: NetworkOperator, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Put in carriers' tariffs: all rows of a table, or none; for the operator.

    A row is a weight band; the bands of a carrier, zone, service and first day are one tariff, which replaces the one
    that is there. `transit` is `days:per mille` (`1:500|2:450|3:50`); or give `transit_p50_days` and
    `transit_p95_days`. Columns are those of the export.
    """
    return run_import(request, CARRIER_TARIFFS, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/duty-rules", responses=_PROBLEMS, openapi_extra=_BODY)
def import_duty_rules(
    request: Request, caller: NetworkOperator, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Put in duty rules, known by `rule_id`: all rows of a table, or none; for the operator.

    Rules of a territory, consignment and value limit have no day in common. Columns are those of the export.
    """
    return run_import(request, DUTY_RULES, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/carbon-factors", responses=_PROBLEMS, openapi_extra=_BODY)
def import_carbon_factors(
    request: Request, caller: NetworkOperator, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Put in an edition of carbon factors: all rows of a table, or none; for the operator.

    To follow one edition by another, give the old rows too, with their last day. No day may be left out. Columns are
    those of the export.
    """
    return run_import(request, CARBON_FACTORS, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/grid-intensities", responses=_PROBLEMS, openapi_extra=_BODY)
def import_grid_intensities(
    request: Request, caller: NetworkOperator, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Put in an edition of grid figures: all rows of a table, or none; for the operator.

    The country `*` stands for all without a figure. Columns are those of the export.
    """
    return run_import(request, GRID_INTENSITIES, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.post("/imports/exchange-rates", responses=_PROBLEMS, openapi_extra=_BODY)
def import_exchange_rates(
    request: Request, caller: NetworkOperator, table: Sent, now: Now, dry_run: DryRun = False
) -> ImportOut:
    """Put in what a euro buys: all rows of a table, or none; for the operator. Columns are those of the export."""
    return run_import(request, EXCHANGE_RATES, table, ImportTerms(caller=caller, now=now, dry_run=dry_run))


@router.get("/exports/carrier-tariffs", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_carrier_tariffs(request: Request, caller: NetworkReader, format: Format = "csv") -> StreamingResponse:
    """Read all tariffs as a table, a row for each weight band, which an import takes back as it is."""
    return _send(
        partial(work_of, request, caller),
        "carrier-tariffs",
        CARRIER_TARIFFS,
        _all(logistics.CARRIER_TARIFFS, tariff_rows),
        format,
    )


@router.get("/exports/duty-rules", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_duty_rules(request: Request, caller: NetworkReader, format: Format = "csv") -> StreamingResponse:
    """Read all duty rules as a table, which an import takes back as it is."""
    return _send(
        partial(work_of, request, caller),
        "duty-rules",
        DUTY_RULES,
        _all(logistics.DUTY_RULES, _each(duty_rule_row)),
        format,
    )


@router.get("/exports/carbon-factors", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_carbon_factors(request: Request, caller: NetworkReader, format: Format = "csv") -> StreamingResponse:
    """Read all carbon factors as a table, which an import takes back as it is."""
    return _send(
        partial(work_of, request, caller),
        "carbon-factors",
        CARBON_FACTORS,
        _all(logistics.CARBON_FACTORS, _each(plain_row)),
        format,
    )


@router.get("/exports/grid-intensities", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_grid_intensities(request: Request, caller: NetworkReader, format: Format = "csv") -> StreamingResponse:
    """Read all grid figures as a table, which an import takes back as it is."""
    read = _all(logistics.GRID_INTENSITIES, _each(plain_row))
    return _send(partial(work_of, request, caller), "grid-intensities", GRID_INTENSITIES, read, format)


@router.get("/exports/exchange-rates", response_class=StreamingResponse, responses=TABLE_ANSWER | docs.problems())
def export_exchange_rates(request: Request, caller: NetworkReader, format: Format = "csv") -> StreamingResponse:
    """Read all exchange rates as a table, which an import takes back as it is."""
    return _send(
        partial(work_of, request, caller),
        "exchange-rates",
        EXCHANGE_RATES,
        _all(logistics.EXCHANGE_RATES, _each(plain_row)),
        format,
    )


def _send(work: Work, name: str, kind: TableKind[Any], read: ReadPage, format: Format) -> StreamingResponse:
    export = Export(name=name, columns=kind.columns, read=read)
    return send_table(work, export, format=format)


def _each(row_of: Callable[[Any], Row]) -> Callable[[Any], Iterable[Row]]:
    return lambda items: map(row_of, items)


def _all(table: DatedTable[Any], rows_of: Callable[[Any], Iterable[Row]]) -> ReadPage:
    def read(session: Session, cursor: str | None) -> Page[Row]:
        page = logistics.list_rows(session, table=table, query=DatedQuery(cursor=cursor, limit=_PAGE))
        return Page(items=tuple(rows_of(page.items)), next_cursor=page.next_cursor)

    return read
