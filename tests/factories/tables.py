"""Tables sent to the API, and what it says of them."""

import csv
import io
import json
from typing import Any

import httpx

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from tests.factories.api import Api, Json
from tests.factories.organisations import NOW


def send_table(client: httpx.Client, what: str, table: str | list[Json], *, dry_run: bool = False) -> httpx.Response:
    """Send a CSV file, or rows as JSON, to an import."""
    media_type = "text/csv" if isinstance(table, str) else "application/json"
    content = table if isinstance(table, str) else json.dumps(table)
    return client.post(
        f"/v1/imports/{what}",
        params={"dry_run": str(dry_run).lower()},
        content=content.encode(),
        headers={"Content-Type": media_type},
    )


def counts_of(answer: httpx.Response) -> tuple[int, int, int]:
    """Return how many rows were created, changed and left as they were; the answer must be a good one."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert len(body["results"]) == body["rows"] == body["created"] + body["changed"] + body["unchanged"]
    return (body["created"], body["changed"], body["unchanged"])


def problems_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return pointers and messages of what is wrong with a table, of a refusal or a dry run."""
    body: dict[str, Any] = answer.json()
    found = body["problems"] if answer.status_code == 200 else body["errors"]
    return [(problem["pointer"], problem["message"]) for problem in found]


def cells_of(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column."""
    return list(csv.DictReader(io.StringIO(text)))


def key_for(api: Api, *, organisation_id: str, kind: OrganisationKind) -> str:
    """Return an API key with all scopes of a new organisation."""
    with unit_of_work(api.engine) as session:
        create_organisation(session, name=kind, kind=kind, now=NOW, organisation_id=organisation_id)
        return issue_api_key(session, organisation_id=organisation_id, name="t", scopes=ALL_SCOPES, now=NOW).token
