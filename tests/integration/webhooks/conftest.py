from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Engine

from fabroute.identity.rules import OrganisationKind
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.webhooks import given_organisation

ORGANISATIONS: Mapping[str, OrganisationKind] = {
    "org_owner": "owner",
    "org_other": "owner",
    "org_bureau": "bureau",
    "org_operator": "operator",
}


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine on a database with two owners, a bureau and an operator."""
    with engine_for(database.url, connections=8) as engine:
        for organisation_id, kind in ORGANISATIONS.items():
            given_organisation(engine, organisation_id, kind=kind)
        yield engine
