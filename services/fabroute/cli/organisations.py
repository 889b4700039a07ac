"""``fabroute organisations``: who takes part, on the installation's own database."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fabroute.cli.output import note, stdout
from fabroute.database import database_engine, unit_of_work
from fabroute.identity.rules import OrganisationKind
from fabroute.identity.service import organisations as service
from fabroute.identity.service.grants import KEY_ACTOR
from fabroute.identity.service.organisations import OrganisationChange, OrganisationFilter, OrganisationView
from fabroute.kernel.time import utc_now

organisations = typer.Typer(
    help="Add, list, suspend and restore organisations.", no_args_is_help=True, add_completion=False
)

_MOST_LISTED = 1_000
OrganisationId = Annotated[str, typer.Argument(help="Id of the organisation, e.g. org_owner.")]


@organisations.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    kind: Annotated[OrganisationKind, typer.Option(help="It orders parts, prints them, or runs this installation.")],
) -> None:
    """Add an organisation and print its id; it gets a key by fabroute keys create."""
    with unit_of_work(database_engine()) as session:
        added = service.add_organisation(session, name=name, kind=kind, actor=KEY_ACTOR, now=utc_now())
    note(f"{kind} {name!r} is added; its first key: fabroute keys create {added.organisation_id}")
    stdout.print(added.organisation_id)


@organisations.command("list")
def list_organisations(
    kind: Annotated[OrganisationKind | None, typer.Option(help="Only organisations of this kind.")] = None,
) -> None:
    """List the organisations of this installation."""
    with unit_of_work(database_engine()) as session:
        found = service.list_organisations(
            session, wanted=OrganisationFilter(kind=kind), cursor=None, limit=_MOST_LISTED
        )
    stdout.print(_table(found.items) if found.items else "no organisation is there: fabroute organisations create")


@organisations.command()
def suspend(
    organisation_id: OrganisationId,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
) -> None:
    """Suspend an organisation: its keys, tokens and people are refused within a second; open jobs stay."""
    _change(organisation_id, OrganisationChange(suspended=True, reason=reason))
    stdout.print(f"{organisation_id} is suspended")


@organisations.command()
def restore(organisation_id: OrganisationId) -> None:
    """Let a suspended organisation in again."""
    _change(organisation_id, OrganisationChange(suspended=False))
    stdout.print(f"{organisation_id} is not suspended")


def _change(organisation_id: str, change: OrganisationChange) -> None:
    with unit_of_work(database_engine()) as session:
        service.change_organisation(
            session, organisation_id=organisation_id, change=change, actor=KEY_ACTOR, now=utc_now()
        )


def _table(found: Sequence[OrganisationView]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("organisation", "kind", "name", "since", "suspended"):
        table.add_column(name, overflow="fold")
    for it in found:
        suspended = "" if it.suspended_at is None else f"{it.suspended_at:%Y-%m-%d} {it.suspension_reason}".rstrip()
        table.add_row(*map(Text, (it.organisation_id, it.kind, it.name, f"{it.created_at:%Y-%m-%d}", suspended)))
    return table
