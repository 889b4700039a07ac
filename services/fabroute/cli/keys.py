"""Commands that make, list, rotate and revoke API keys, and make the key that signs releases."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fabroute.cli.output import note, stdout
from fabroute.database import database_engine, unit_of_work
from fabroute.identity import service as identity
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import keys as service
from fabroute.identity.service.grants import AT_THE_TERMINAL, require_expiry
from fabroute.identity.service.keys import KeyFilter, KeyRotation, KeyView
from fabroute.integrations.validation.signing import open_signer
from fabroute.kernel.time import utc_now
from fabroute.settings import get_settings

keys = typer.Typer(
    help="Make, list, rotate and revoke API keys; make the key that signs releases.",
    no_args_is_help=True,
    add_completion=False,
)

_SCOPES = tuple(sorted(ALL_SCOPES))
_MOST_LISTED = 1_000
_AFTER = re.compile(r"(\d{1,4})([dh])")
KeyId = Annotated[str, typer.Argument(help="The key's id, the third piece of the token.")]
Ends = Annotated[str | None, typer.Option("--expires", help="When it ends: 90d, 12h, or a day such as 2027-01-31.")]


@keys.command()
def create(
    organisation: Annotated[str, typer.Argument(help="Id of the organisation, e.g. org_owner.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    scope: Annotated[list[str] | None, typer.Option(help=f"Repeatable; all by default: {', '.join(_SCOPES)}")] = None,
    expires: Ends = None,
) -> None:
    """Make an API key for an organisation and print it: it can't be shown again."""
    now = utc_now()
    expires_at = None if expires is None else ending(expires, now=now)
    require_expiry(expires_at, now=now)
    with unit_of_work(database_engine()) as session:
        issued = identity.issue_api_key(
            session,
            organisation_id=organisation,
            name=name,
            scopes=tuple(scope or _SCOPES),
            now=now,
            expires_at=expires_at,
        )
    note(f"key {issued.key_id} of {organisation}; keep it, it is shown only now:")
    stdout.print(issued.token)


@keys.command("list")
def list_keys(
    organisation: Annotated[str | None, typer.Argument(help="Only keys of this organisation.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that expired or were revoked.")] = False,
) -> None:
    """List API keys: what they open, until when, and when they were last used."""
    now = utc_now()
    wanted = KeyFilter(organisation_id=organisation, state=None if everything else "live")
    with unit_of_work(database_engine()) as session:
        found = service.list_api_keys(
            session, wanted=wanted, caller=AT_THE_TERMINAL, now=now, cursor=None, limit=_MOST_LISTED
        )
    stdout.print(_table(found.items, now) if found.items else "no API key is there: fabroute keys create ORGANISATION")


@keys.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[str, typer.Option(help="For how long the old key works as well: 0h to 7d.")] = "1d",
    expires: Ends = None,
) -> None:
    """Make the key that follows another one and print it; the old one ends when the overlap is over."""
    now = utc_now()
    rotation = KeyRotation(
        overlap=ending(overlap, now=now) - now, expires_at=None if expires is None else ending(expires, now=now)
    )
    with unit_of_work(database_engine()) as session:
        issued = service.rotate_api_key(
            session, key_id=_whole(key_id), rotation=rotation, caller=AT_THE_TERMINAL, now=now
        )
    note(f"key {issued.key_id} follows {_whole(key_id)}, which works for {overlap}; keep it, it is shown only now:")
    stdout.print(issued.token)


@keys.command()
def revoke(key_id: KeyId) -> None:
    """Revoke an API key: it is refused within a second."""
    with unit_of_work(database_engine()) as session:
        identity.revoke_api_key(session, key_id=_whole(key_id), now=utc_now())
    stdout.print(f"key {_whole(key_id)} is revoked")


@keys.command()
def signing() -> None:
    """Make the key that signs released print files, if there is none yet, and print its public half."""
    path = get_settings().signing_key_file
    signer = open_signer(path, create=True)
    note(f"the signing key is {path}: back it up, and keep it from everyone; its public half, for those who check:")
    stdout.print(signer.public_key)


def ending(text: str, *, now: datetime) -> datetime:
    """Return the instant that a person means by ``90d``, ``12h``, or a day (UTC). Raises ``typer.BadParameter``."""
    after = _AFTER.fullmatch(text)
    if after is not None:
        return now + (timedelta(days=int(after[1])) if after[2] == "d" else timedelta(hours=int(after[1])))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither 90d nor 12h nor a day such as 2027-01-31") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=now.tzinfo)


def _whole(key_id: str) -> str:
    return key_id if key_id.startswith("key_") else f"key_{key_id}"


def _table(found: tuple[KeyView, ...], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("key", "organisation", "name", "state", "ends", "last used", "scopes"):
        table.add_column(name, overflow="fold")
    for key in found:
        instants = (_minute(key.expires_at), _minute(key.last_used_at))
        scopes = "all" if set(key.scopes) >= ALL_SCOPES else " ".join(key.scopes)
        table.add_row(*map(Text, (key.key_id, key.organisation_id, key.name, key.state_on(now), *instants, scopes)))
    return table


def _minute(instant: datetime | None) -> str:
    return "never" if instant is None else instant.strftime("%Y-%m-%d %H:%M")
