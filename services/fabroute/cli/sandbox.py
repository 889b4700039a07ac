"""``fabroute sandbox``: a world to try fabroute in, where nodes answer by themselves."""

from typing import Annotated

import typer

from fabroute.cli.mapping import Json
from fabroute.cli.orders import AsJson, as_json_text
from fabroute.cli.output import note, stdout
from fabroute.database import database_engine, unit_of_work
from fabroute.database.schema import require_current_schema
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.sandbox_parts import describe_sandbox
from fabroute.integrations.signing_key import configured_signer
from fabroute.kernel.time import utc_now
from fabroute.sandbox.rules import ANSWERS
from fabroute.sandbox.service import open_sandbox
from fabroute.settings import get_settings

_STORIES = ", ".join(answer for answer in ANSWERS if answer != "good")


def sandbox(
    name: Annotated[str, typer.Argument(help="Whose it is, e.g. the integrator's name.")] = "Sandbox",
    as_json: AsJson = False,
) -> None:
    """Open a sandbox: an owner with a key and three parts, and two nodes that make what it orders in about a minute."""
    engine, settings = database_engine(), get_settings()
    require_current_schema(engine)
    note("print files: drawn and validated the first time, found in the store from then on")
    new = describe_sandbox(name=name, store=open_print_file_store(settings.storage_url))
    with unit_of_work(engine) as session:
        opened = open_sandbox(session, new=new, signer=configured_signer(settings), now=utc_now())
    if as_json:
        document: dict[str, Json] = {
            "id": opened.sandbox_id,
            "organisation_id": opened.organisation_id,
            "bureau_id": opened.bureau_id,
            "nodes": list(opened.node_ids),
            "parts": list(opened.part_nos),
            "token": opened.key.token,
        }
        stdout.print(as_json_text(document), markup=False)
        return
    note(f"sandbox {opened.sandbox_id}: parts {', '.join(opened.part_nos)}; words in an order's reference: {_STORIES}")
    note(f"the key of {opened.organisation_id}, shown only now:")
    stdout.print(opened.key.token)
