"""``fabroute people``: invite, list, disable and reset people, from a terminal of the installation."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Column, Table
from sqlmodel import Session

from fabroute.cli.output import note, stdout
from fabroute.database import database_engine, unit_of_work
from fabroute.identity.rules import ADMIN
from fabroute.identity.service.people import members
from fabroute.identity.service.people.members import Invited, NewPerson, PersonChange
from fabroute.identity.service.people.views import PersonView
from fabroute.integrations.sign_in.secret_key import make_secret_key
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from fabroute.settings import get_settings

people = typer.Typer(help="Invite, list, disable and reset people.", no_args_is_help=True, add_completion=False)

Organisation = Annotated[str, typer.Argument(help="Id of the organisation, e.g. org_owner.")]
Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]
Of = Annotated[str | None, typer.Option("--organisation", help="Where the address is known in several.")]
_PAGE = 200


class SeveralPeople(DomainError):
    """The address belongs to people in several organisations."""

    code = "several_people"
    status = 409


@people.command()
def invite(
    organisation: Organisation,
    email: Email,
    name: Annotated[str, typer.Option(help="What the person is called; the address otherwise.")] = "",
    role: Annotated[
        str,
        typer.Option(help="admin; owner: buyer, engineer, viewer; bureau: production, viewer; operator: support."),
    ] = ADMIN,
) -> None:
    """Invite somebody and print the link for them: it can't be shown again, and nothing is mailed."""
    asked = NewPerson(email=email, name=name or email.partition("@")[0], role=role, organisation_id=organisation)
    with unit_of_work(database_engine()) as session:
        invited = members.invite_person(session, asked=asked, caller=None, valid_for=_valid_for(), now=utc_now())
    _print_link(invited)


@people.command("list")
def list_them(organisation: Organisation) -> None:
    """List the people of an organisation."""
    table = Table(
        Column("id", overflow="fold"),
        Column("e-mail", overflow="fold"),
        "name",
        "role",
        "state",
        "second factor",
        "signed in",
    )
    cursor: str | None = None
    while True:
        with unit_of_work(database_engine()) as session:
            page = members.list_people(session, caller=None, organisation_id=organisation, cursor=cursor, limit=_PAGE)
        for person in page.items:
            table.add_row(*_cells(person))
        cursor = page.next_cursor
        if cursor is None:
            break
    stdout.print(table)


@people.command()
def disable(
    email: Email,
    organisation: Of = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False,
) -> None:
    """Sign a person out everywhere and let them in no more, within a second."""
    with unit_of_work(database_engine()) as session:
        person = _only(session, email, organisation)
        change = PersonChange(is_disabled=not undo)
        members.change_person(session, person_id=person.person_id, change=change, caller=None, now=utc_now())
    stdout.print(f"{person.email} ({person.organisation_id}) is {'enabled' if undo else 'disabled'}", markup=False)


@people.command()
def reset(email: Email, organisation: Of = None) -> None:
    """Print a new link for who can't sign in: password, second factor and sessions are void."""
    with unit_of_work(database_engine()) as session:
        person = _only(session, email, organisation)
        invited = members.renew_invitation(
            session, person_id=person.person_id, caller=None, valid_for=_valid_for(), now=utc_now()
        )
    _print_link(invited)


@people.command("secret-key")
def secret_key() -> None:
    """Make the key that seals second factors, if there is none yet. Back it up, and keep it from everyone."""
    path = get_settings().secret_key_file
    make_secret_key(path)
    stdout.print(f"the secret key is {path}", markup=False)


def _only(session: Session, email: str, organisation: str | None) -> PersonView:
    found = members.find_by_email(session, email=email, organisation_id=organisation)
    if len(found) > 1:
        places = ", ".join(person.organisation_id for person in found)
        raise SeveralPeople(f"{email} is known in {places}: say which with --organisation")
    return found[0]


def _print_link(invited: Invited) -> None:
    person, public_url = invited.person, get_settings().public_url.rstrip("/")
    note(
        f"{person.email}, {person.role} of {person.organisation_name} ({person.person_id}); send them this link, it is "
        f"shown only now and good until {invited.expires_at:%Y-%m-%d %H:%M} UTC:"
    )
    stdout.print(f"{public_url}/join#{invited.token}", markup=False)


def _cells(person: PersonView) -> tuple[str, ...]:
    seen = "never" if person.signed_in_at is None else f"{person.signed_in_at:%Y-%m-%d %H:%M}"
    factor = "yes" if person.has_second_factor else "no"
    return (person.person_id, person.email, person.name, person.role, person.state, factor, seen)


def _valid_for() -> timedelta:
    return timedelta(days=get_settings().invitation_days)
