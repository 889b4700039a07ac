"""Commands that make and revoke API keys, and make the key that signs releases."""

from typing import Annotated

import typer

from fabroute.cli.output import note, stdout
from fabroute.database import database_engine, unit_of_work
from fabroute.identity import service as identity
from fabroute.identity.rules import ALL_SCOPES
from fabroute.integrations.validation.signing import open_signer
from fabroute.kernel.time import utc_now
from fabroute.settings import get_settings

keys = typer.Typer(
    help="Make and revoke API keys; make the key that signs releases.", no_args_is_help=True, add_completion=False
)

_SCOPES = tuple(sorted(ALL_SCOPES))


@keys.command()
def create(
    organisation: Annotated[str, typer.Argument(help="Id of the organisation, e.g. org_owner.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    scope: Annotated[list[str] | None, typer.Option(help=f"Repeatable; all by default: {', '.join(_SCOPES)}")] = None,
) -> None:
    """Make an API key for an organisation and print it: it can't be shown again."""
    with unit_of_work(database_engine()) as session:
        issued = identity.issue_api_key(
            session, organisation_id=organisation, name=name, scopes=tuple(scope or _SCOPES), now=utc_now()
        )
    note(f"key {issued.key_id} of {organisation}; keep it, it is shown only now:")
    stdout.print(issued.token)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id, the third piece of the token.")]) -> None:
    """Revoke an API key: it is refused within a second."""
    whole = key_id if key_id.startswith("key_") else f"key_{key_id}"
    with unit_of_work(database_engine()) as session:
        identity.revoke_api_key(session, key_id=whole, now=utc_now())
    stdout.print(f"key {whole} is revoked")


@keys.command()
def signing() -> None:
    """Make the key that signs released print files, if there is none yet, and print its public half."""
    path = get_settings().signing_key_file
    signer = open_signer(path, create=True)
    note(f"the signing key is {path}: back it up, and keep it from everyone; its public half, for those who check:")
    stdout.print(signer.public_key)
