"""``fabroute import orders``: any CSV of orders, over HTTP, with every row accounted for."""

import csv
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, ApiRefusal
from fabroute.cli.follow import wait_for_batch
from fabroute.cli.mapping import MappedRow, MappingProblem, OrderBody, OrderMapping, UnmappedRow, map_rows, read_mapping
from fabroute.cli.orders import DEFAULT_URL, Key, Url
from fabroute.cli.output import note, stdout
from fabroute.cli.progress import Step, counted_progress
from fabroute.cli.report import country_table, line_reports, outcome_summary
from fabroute.cli.tables import (
    import_carbon_factors,
    import_carrier_tariffs,
    import_certificates,
    import_duty_rules,
    import_exchange_rates,
    import_files,
    import_grid_intensities,
    import_parts,
    import_revisions,
)

imports = typer.Typer(
    help="Bring in orders, parts, certificates, tariffs, rates and more from tables, print files from a folder.",
    no_args_is_help=True,
    add_completion=False,
)
imports.command("parts")(import_parts)
imports.command("revisions")(import_revisions)
imports.command("certificates")(import_certificates)
imports.command("carrier-tariffs")(import_carrier_tariffs)
imports.command("duty-rules")(import_duty_rules)
imports.command("carbon-factors")(import_carbon_factors)
imports.command("grid-intensities")(import_grid_intensities)
imports.command("exchange-rates")(import_exchange_rates)
imports.command("files")(import_files)

_SENDERS = 16
_RETRIES_WHEN_BUSY = 20
_PAUSE = threading.Event()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of each row: the number of orders placed, and the rows left out with the reason."""

    placed: int
    left_out: tuple[UnmappedRow, ...]


@imports.callback()
def _group() -> None:
    """Bring in orders, parts, certificates, tariffs, rates and more from tables, print files from a folder."""


@imports.command("orders")
def import_orders(
    file: Annotated[Path, typer.Argument(help="CSV file with a header line.")],
    key: Key,
    mapping: Annotated[Path | None, typer.Option(help="TOML file that says what columns and values mean.")] = None,
    batch: Annotated[str | None, typer.Option(help="Label of these orders; the file's name by default.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be ordered and what not.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Write the rows left out, with reasons, to this CSV.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Order every row that maps, wait for the outcomes, and report by country; rows that don't map say why.

    The same file imported again orders nothing twice.
    """
    label = batch or file.stem
    rules = read_mapping(mapping) if mapping else None
    rows = list(map_rows(_content(file), mapping=rules, batch=label))
    orders = [row for row in rows if isinstance(row, MappedRow)]
    left_out = tuple(row for row in rows if isinstance(row, UnmappedRow))
    note(f"{file.name}: {len(rows)} rows, {len(orders)} map to orders, {len(left_out)} don't")
    if not dry_run:
        with ApiClient(url=url, key=key) as client:
            left_out += _place_and_report(client, orders, label, rules)
    _list_left_out(left_out, rejects)


def send_orders(
    client: ApiClient, *, orders: Sequence[MappedRow], step: Step, what: str = "orders sent"
) -> ImportResult:
    """Place ``orders`` over 16 connections; a refused one is reported with the API's words, the others go on."""
    refused: list[UnmappedRow] = []
    with ThreadPoolExecutor(max_workers=_SENDERS) as senders:
        for done, problem in enumerate(senders.map(lambda row: _send(client, row), orders), start=1):
            step(what, done, len(orders))
            if problem is not None:
                refused.append(problem)
    return ImportResult(placed=len(orders) - len(refused), left_out=tuple(refused))


def rows_from_bodies(bodies: Iterable[OrderBody]) -> list[MappedRow]:
    """Return ready-made order bodies as rows, keyed by batch and reference."""
    return [
        MappedRow(row=number, reference=str(body["reference"]), body=body, idempotency_key=f"{body['batch']}-{number}")
        for number, body in enumerate(bodies, start=1)
    ]


def _send(client: ApiClient, row: MappedRow) -> UnmappedRow | None:
    for _ in range(_RETRIES_WHEN_BUSY):
        try:
            client.place_order(row.body, idempotency_key=row.idempotency_key)
            return None
        except ApiRefusal as refusal:
            if refusal.status not in (429, 409):
                return UnmappedRow(row=row.row, reference=row.reference, reason=f"refused: {refusal.message}")
            _PAUSE.wait(0.5)
    return UnmappedRow(row=row.row, reference=row.reference, reason="the API stayed busy: import the file again")


def _place_and_report(
    client: ApiClient, orders: Sequence[MappedRow], batch: str, mapping: OrderMapping | None
) -> tuple[UnmappedRow, ...]:
    with counted_progress() as step:
        result = send_orders(client, orders=orders, step=step)
        if result.placed:
            wait_for_batch(client, batch=batch, step=step)
    lines = line_reports(client.pages("/v1/orders", batch=batch))
    stdout.print(f"\n[bold]{batch}[/]" + (f" · {mapping.attribution}" if mapping and mapping.attribution else ""))
    for sentence in outcome_summary(lines):
        stdout.print(sentence, markup=False)
    stdout.print(country_table(lines))
    return result.left_out


def _list_left_out(rows: Sequence[UnmappedRow], rejects: Path | None) -> None:
    if not rows:
        return
    stdout.print(f"\n{len(rows)} rows are not orders:")
    for reason, count in Counter(row.reason for row in rows).most_common():
        examples = ", ".join(f"line {row.row}" for row in rows if row.reason == reason)
        shown = examples if len(examples) < 60 else f"{examples[:56].rsplit(',', 1)[0]}, …"
        stdout.print(f"  {count} × {reason} ({shown})", markup=False)
    if rejects is not None:
        _write_rejects(rows, rejects)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf8")
    except OSError as error:
        raise MappingProblem(f"can't read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MappingProblem(f"{file} is not UTF-8 (byte {error.start}): save it as UTF-8 and try again") from error


def _write_rejects(rows: Sequence[UnmappedRow], file: Path) -> None:
    with file.open("w", encoding="utf8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("line", "reference", "reason"))
        writer.writerows((row.row, row.reference, row.reason) for row in rows)
    stdout.print(f"  all of them, with reasons: {file}", markup=False)
